"""Durable, resumable streams for anything that runs."""

__version__ = "0.1.0"
