"""A network that fails on command."""
