"""What SQLite's errors mean to the core."""

import sqlite3

from ...core.errors import Busy, StoreFull, Uncertain

_PRIMARY = 0xFF
"""An extended error code holds its primary code in the lowest byte."""

_NO_ROOM = frozenset(
    {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}
)
"""How a quota or a file size limit shows; a full disk mostly shows as SQLITE_FULL."""

_SYNC_FAILED = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether another connection was in the way, so that waiting helps."""
    return _code(error) & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def translated(error: sqlite3.Error) -> Exception:
    """Return the core's error for *error*; *error* itself when the core has no word for it.

    A transaction that failed was rolled back, so nothing happened. Only when the disk did not
    confirm is that uncertain: what was written may be found after a power failure.
    """
    code = _code(error)
    if is_busy(error):
        return Busy("another process is using the database; try again", retry_after=1)
    if code & _PRIMARY == sqlite3.SQLITE_FULL or code in _NO_ROOM:
        return StoreFull(f"there is no room left for the database: {error}")
    if code in _SYNC_FAILED:
        return Uncertain(f"the disk did not confirm a write: {error}")
    return error


def _code(error: sqlite3.Error) -> int:
    # Errors of the Python module itself, such as the use of a closed connection, have none.
    return getattr(error, "sqlite_errorcode", 0)
