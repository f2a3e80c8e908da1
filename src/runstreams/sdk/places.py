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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs import Run


class Place:
    """A run that was entered, and what we were in before."""

    def __init__(self, run: "Run", below: "Place | None") -> None:
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


current: ContextVar[Place | None] = ContextVar("runstreams.run", default=None)
"""What was entered here last."""


def here() -> Place | None:
    """Return the innermost place we are in.

    A task that outlives the run that it was begun in stays in it, and is told that it is completed,
    rather than write into the run around that one.
    """
    place = current.get()
    while place is not None and place.is_left and place.is_ours:
        place = place.below
    return place


def enter(run: "Run") -> Place:
    """Be in *run*, until what this returns is left."""
    place = Place(run, here())
    current.set(place)
    return place


def leave(place: Place) -> None:
    """Be in *place* no more, wherever it was entered."""
    place.is_left = True
    if current.get() is place:
        current.set(place.below)


def one_of(entered: Collection[Place]) -> Place:
    """Return the innermost of the *entered* places that we are in, or else the last of them."""
    place = current.get()
    while place is not None and place not in entered:
        place = place.below
    return place or list(entered)[-1]


def _task() -> "weakref.ref[asyncio.Task[object]] | None":
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        return None
    return None if task is None else weakref.ref(task)
