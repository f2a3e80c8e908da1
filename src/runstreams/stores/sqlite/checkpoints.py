"""Checkpoints: the write-ahead log is written back beside the appends, so that none waits for it.

SQLite by itself would let a commit now and then do it, and that append would wait for the disk
several times. Here a thread does it, soon after much was written and a while after anything was;
the latter bounds what a power failure can take when commits do not wait for the disk.
"""

import logging
import sqlite3
import threading
from pathlib import Path

from .faults import is_busy
from .schema import APPLICATION_ID, connect

logger = logging.getLogger(__name__)

MUCH_BYTES = 16 * 1024 * 1024
"""The log is written back when about this much has been added. An append that meets the disk's sync
may wait for it; small ones add 16 KB each, so that is one in a thousand.
"""

WHILE_SECONDS = 5.0
"""The log is written back, and so on the disk, this long after anything was added."""

LONG_PAGES = 16_384
"""A log that is longer than this, 64 MiB, starts over though appends go on. One of them has to wait
for the disk then, of the 4,000 that made it so long.
"""

_FEW_BYTES = 1024 * 1024
"""What may be left to write back while others wait."""

_PASSES = 4
"""How often the log is followed before appends that are faster than the disk are held up."""

PATIENCE_SECONDS = 0.1
"""How long starting over waits for readers, and writers with it; if in vain, it is tried again
later.
"""


class Checkpoints:
    """The thread that writes the log back."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, wait=PATIENCE_SECONDS)
        self._written = 0
        self._enough = MUCH_BYTES
        self._anything = threading.Event()
        self._much = threading.Event()
        self._closing = False
        self._thread = threading.Thread(
            target=self._work, name="runstreams-checkpoint", daemon=True
        )
        self._thread.start()

    def wrote(self, size: int) -> None:
        """Take note that about *size* bytes were added to the log."""
        self._written += size
        if not self._anything.is_set():
            self._anything.set()
        if self._written >= self._enough and not self._much.is_set():
            self._much.set()

    def _work(self) -> None:
        while True:
            self._anything.wait()
            self._much.wait(WHILE_SECONDS)
            self._anything.clear()
            self._much.clear()
            if self._closing:  # asked only now, since clearing may have hidden the call to close
                return
            self._enough = self._written + MUCH_BYTES
            try:
                self._write_back()
            except sqlite3.OperationalError as error:
                # The log stays, and is read like the rest. Mostly the disk is full then.
                if not is_busy(error):
                    logger.warning("the database's log could not be written back: %s", error)

    def _write_back(self) -> None:
        for _ in range(_PASSES):
            before = self._written
            busy, pages, _ = self._checkpoint("PASSIVE")
            added = self._written - before
            if busy or (added and pages <= LONG_PAGES):
                return  # another process is at it, or appends go on and will be back here soon
            if added <= _FEW_BYTES:
                break
        busy, *_ = self._checkpoint("RESTART")
        if not busy:
            # The first write to a log that starts over waits for the disk: let it be this one.
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _checkpoint(self, mode: str) -> tuple[int, int, int]:
        busy, pages, done = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return busy, pages, done

    def close(self) -> None:
        """Stop, when what is under way is finished."""
        self._closing = True
        self._much.set()
        self._anything.set()
        self._thread.join()
        self._connection.close()
