"""Noticing that the database file was removed, or another one put in its place.

A file that is open lives on without a name: writes to it would be acknowledged, and gone with the
process.
"""

import os
from pathlib import Path
from time import monotonic

from ...core.errors import StoreError

_LATELY_SECONDS = 0.02
"""How long a look at the file is good for whoever only reads: as late as what other processes
commit is noticed.
"""


class Place:
    """Where the database file is, and which one it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _file_at(path)
        self._checked = 0.0

    def check_lately(self) -> None:
        """Raise `StoreError` unless the same file was there a moment ago."""
        if (now := monotonic()) - self._checked > _LATELY_SECONDS:
            self.check()
            self._checked = now

    def check(self) -> None:
        """Raise `StoreError` unless the same file is still there. It takes about a µs."""
        if _file_at(self.path) != self._file:
            raise StoreError(f"{self.path} was removed or replaced while in use: start anew")


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
