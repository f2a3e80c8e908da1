"""The embedded store: one SQLite file, for one machine and any number of processes."""

from .store import SqliteStore
from .sweep import Swept

__all__ = ["SqliteStore", "Swept"]
