"""What the tests of the sync surface do beside it; `in_tasks` has the same for the async one."""

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Event, Thread
from time import sleep
from typing import Any, Generic, TypeVar

__all__ = ["PATIENCE", "Event", "begin", "done", "elsewhere", "happened", "sleep"]

T = TypeVar("T")

PATIENCE = 10
"""Seconds after which what should have happened is not waited for any longer."""

_NOWHERE = copy_context()


class begin(Thread, Generic[T]):
    """Does *work* beside the test."""

    def __init__(self, work: Callable[..., T], *args: Any) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._args = args
        self._future: Future[T] = Future()
        self.start()

    def run(self) -> None:
        try:
            self._future.set_result(self._work(*self._args))
        except BaseException as error:
            self._future.set_exception(error)

    def result(self, seconds: float) -> T:
        """Wait for its end, at most so many *seconds*, and return what it has returned."""
        self.join(seconds)
        return self._future.result(0)


def done(begun: "begin[T] | Future[T]") -> T:
    """Return the result of what was begun."""
    return begun.result(PATIENCE)


def happened(event: Event) -> None:
    """Wait for *event*."""
    assert event.wait(PATIENCE)


def elsewhere(work: Callable[..., T], *args: Any, **options: Any) -> T:
    """Do *work* as another process does: in no run."""
    return _NOWHERE.copy().run(work, *args, **options)
