"""Where runs were entered: which of them we are in here, and how they are left in any order.

A context variable knows it, and so do the contexts that are copied from ours. But a run may be left
in another one than it was entered in: another thread takes the last step of a generator, another
task closes it. And generators of one thread take turns, each with a run of its own.
"""

import asyncio
import threading
import weakref
from collections.abc import Collection
from contextvars import ContextVar
from typing import Generic, TypeVar

R = TypeVar("R")


class Entered(Generic[R]):
    """A run that was entered, and what we were in before."""

    def __init__(self, run: R, below: "Entered[R] | None") -> None:
        self.run = run
        self.below = below
        self.is_left = False
        self._thread = threading.get_ident()
        self._task = _task()

    @property
    def is_ours(self) -> bool:
        """Whether it was entered by this very thread and task, rather than where they were begun
        from.
        """
        return self._thread == threading.get_ident() and self._task == _task()


class RunContext(Generic[R]):
    """The runs that we are in."""

    def __init__(self, name: str) -> None:
        self._last: ContextVar[Entered[R] | None] = ContextVar(name, default=None)
        """What was entered here last."""

    def innermost(self) -> Entered[R] | None:
        """Return the innermost run we are in.

        A task that outlives the run that it was begun in stays in it, and is told that it is
        completed, rather than write into the run around that one.
        """
        entered = self._last.get()
        while entered is not None and entered.is_left and entered.is_ours:
            entered = entered.below
        return entered

    def enter(self, run: R) -> Entered[R]:
        """Be in *run*, until what this returns is left."""
        entered = Entered(run, self.innermost())
        self._last.set(entered)
        return entered

    def leave(self, entered: Entered[R]) -> None:
        """Be in it no more, wherever it was entered."""
        entered.is_left = True
        if self._last.get() is entered:
            self._last.set(entered.below)
        # Those around it may have been left before: a task that begins later is in none of them.
        self._last.set(self.innermost())

    def one_of(self, several: Collection[Entered[R]]) -> Entered[R]:
        """Return the innermost of *several* that we are in, or else the last of them."""
        entered = self._last.get()
        while entered is not None and entered not in several:
            entered = entered.below
        return entered or list(several)[-1]


def _task() -> "weakref.ref[asyncio.Task[object]] | None":
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        return None
    return None if task is None else weakref.ref(task)
