"""Handing things over from one thread to another, in order, to one taker.

The taker may be a thread or a coroutine: `next` never blocks, it says what to wait for.
"""

import threading
from collections import deque
from typing import Generic, TypeVar

from ...core.limits import MIB
from ..errors import PassedBy
from .waiting import Signal, Waiter

_KEPT_BYTES = 64 * MIB
"""Most that is kept for a `.stream` nobody reads, counted as JSON."""

T = TypeVar("T")


class NothingYet(Exception):
    """There is nothing to take at the moment; *waiter* is done when that changes."""

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter


class ClosableQueue(Generic[T]):
    """A queue with an end."""

    def __init__(self) -> None:
        self._kept: deque[tuple[T, int]] = deque()
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        # The garbage collector may find anywhere, and so in here, that the taker is gone, which
        # drops this then.
        self._lock = threading.RLock()
        self._news = Signal()
        self._taken = Signal()

    def put(self, item: T, size: int = 1) -> None:
        """Give *item*, which takes *size* of the room."""
        with self._lock:
            if self._ended:
                return
            self._kept.append((item, size))
            self._size += size
            self._make_room()
            self._news.fire()

    def full(self, most: int) -> Waiter | None:
        """Return what to wait for while more than *most* is kept; None when it is not."""
        with self._lock:
            return self._taken.waiter() if self._size > most else None

    def end(self, error: BaseException | None = None) -> None:
        """Say that there will be no more; *error* is raised to the taker when it comes there."""
        with self._lock:
            if not self._ended:
                self._ended, self._error = True, error
            self._news.fire()
            self._taken.fire()

    def drop(self) -> None:
        """End, and let go of what has not been taken."""
        with self._lock:
            self._kept.clear()
            self._size = 0
        self.end()

    def next(self) -> T:
        """Take the next item.

        Raises `NothingYet`, `StopIteration` at the end, and the error it was ended with.
        """
        with self._lock:
            if self._kept:
                item, size = self._kept.popleft()
                self._size -= size
                self._taken.fire()
                return item
            if not self._ended:
                raise NothingYet(self._news.waiter())
            if self._error is not None:
                raise self._error
            raise StopIteration

    def _make_room(self) -> None:
        pass


class Tee(ClosableQueue[T]):
    """What passes through a pipe, kept for whoever reads `.stream`.

    It never holds the pipe up. What has not been read is kept for as long as somebody holds the
    pipe or its `.stream`, up to `_KEPT_BYTES`; beyond, all of it is let go, and reading raises
    `PassedBy`.
    """

    def __init__(self, most: int = _KEPT_BYTES) -> None:
        super().__init__()
        self._most = most

    def _make_room(self) -> None:
        if self._size > self._most:
            self._kept.clear()
            self._size = 0
            self._ended = True
            self._error = PassedBy(
                f".stream was not read while more than {self._most} bytes passed",
                limit=self._most,
            )
