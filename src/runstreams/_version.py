"""The version, where whoever needs nothing else can read it."""

__version__ = "0.1.0"
