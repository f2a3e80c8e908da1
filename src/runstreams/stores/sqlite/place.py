"""Noticing that the database file was removed, or another one put in its place.

A file that is open lives on without a name: writes to it would be acknowledged, and gone with the
process.
"""

import os
from pathlib import Path
from time import monotonic

from ...core.errors import StoreError

_LATELY_SECONDS = 0.02
"""How long a check is good for whoever only reads: as late as what other processes commit is
noticed.
"""

_PATH_SECONDS = 1
"""How often the file is looked for by its path, which takes ten times as long as to ask whether it
has a name: one that was moved away loses nothing, but others may have begun another.
"""


class Place:
    """Where the database file is, and which one it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _file_at(path)
        # Not one that reads: SQLite would lose its locks when that is closed.
        self._handle = os.open(path, os.O_PATH) if hasattr(os, "O_PATH") else None
        self._looked = monotonic()
        self._checked = 0.0

    def check_lately(self) -> None:
        """Raise `StoreError` unless the same file was there a moment ago."""
        if (now := monotonic()) - self._checked > _LATELY_SECONDS:
            self.check()
            self._checked = now

    def check(self) -> None:
        """Raise `StoreError` unless the same file is still there."""
        if self._is_removed() or self._is_elsewhere():
            raise StoreError(f"{self.path} was removed or replaced while in use: start anew")

    def _is_removed(self) -> bool:
        return self._handle is not None and not os.fstat(self._handle).st_nlink

    def _is_elsewhere(self) -> bool:
        now = monotonic()
        if self._handle is not None and now - self._looked < _PATH_SECONDS:
            return False
        if _file_at(self.path) != self._file:
            return True
        self._looked = now
        return False

    def close(self) -> None:
        """Let the file go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
