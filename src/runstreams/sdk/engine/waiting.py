"""Waking who waits, whether in a thread or in an event loop.

Chunks cross between the user's threads and loops and the engine's. Each crossing keeps its state
under a lock, and has a signal for those who wait for that state to change.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TypeVar

from ..errors import InEventLoop

T = TypeVar("T")

LOOK_SECONDS = 0.5
"""How often it is looked after what nobody tells: whether sending makes progress, and whether the
event loop of a source has ended.
"""

Waiter = Future[None]
"""Done when the signal has fired: a thread waits for its `result`, a coroutine by `fired`."""


_WAITERS = 16
"""So many who wait are kept without a look whether they still do."""


class Signal:
    """Rings for everybody who asked since it rang last. Used under its owner's lock."""

    def __init__(self) -> None:
        self._waiting: list[Waiter] = []
        self._most = _WAITERS

    def waiter(self) -> Waiter:
        """Return what is done when the signal rings next."""
        if len(self._waiting) >= self._most:
            self._forget()
        waiter = Waiter()
        self._waiting.append(waiter)
        return waiter

    def _forget(self) -> None:
        """Let go of those who have given up waiting. As it doubles, it costs next to nothing."""
        self._waiting = [waiter for waiter in self._waiting if not waiter.done()]
        self._most = max(_WAITERS, 2 * len(self._waiting))

    def fire(self) -> None:
        """Wake everybody who waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                _wake(waiter)


class Told(Future[T]):
    """A future that may be waited for by many, and again and again, as by who looks now and then.

    Any other one keeps a callback for each of them until it is done.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._rings = Signal()
        self.add_done_callback(self._ring)

    def waiter(self) -> Waiter:
        """Return what is done when this is."""
        with self._lock:
            waiter = self._rings.waiter()
            if self.done():
                self._rings.fire()
        return waiter

    def _ring(self, _: "Future[T]") -> None:
        with self._lock:
            self._rings.fire()


def check_thread() -> None:
    """Raise `InEventLoop` where an event loop runs: what waits here would hold it up, and perhaps
    wait for itself.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InEventLoop(
        "a sync call would hold up the event loop that runs here, in a coroutine or a Jupyter "
        "cell: use `from runstreams.aio import streams` and await it, or make the call in a "
        "thread, by `await asyncio.to_thread(...)`"
    )


async def fired(waiter: Waiter, seconds: float | None = None) -> None:
    """Wait for *waiter*, at most *seconds*."""
    try:
        await asyncio.wait([asyncio.wrap_future(waiter)], timeout=seconds)
    finally:
        # Nobody waits any more; the loop of who did may have ended when the signal rings.
        waiter.cancel()


async def watched(waiter: Waiter, look: Callable[[], None]) -> None:
    """Wait for *waiter*, and *look* now and then."""
    firing = asyncio.wrap_future(waiter)
    try:
        while not (await asyncio.wait([firing], timeout=LOOK_SECONDS))[0]:
            look()
    finally:
        waiter.cancel()


async def settled(future: "Future[T]", seconds: float | None = None) -> None:
    """Wait until *future* is done, at most *seconds*. Cancelled, it leaves *future* to others."""
    await fired(_waiter_for(future), seconds)


async def outcome(future: "Future[T]", look: Callable[[], None] | None = None) -> T:
    """Return the result of *future*, and *look* now and then meanwhile. Cancelled, it leaves
    *future* to others.
    """
    waiter = _waiter_for(future)
    await (fired(waiter) if look is None else watched(waiter, look))
    return future.result()


def _waiter_for(future: "Future[T]") -> Waiter:
    if isinstance(future, Told):
        return future.waiter()
    waiter = Waiter()
    future.add_done_callback(lambda _: _wake(waiter))
    return waiter


def _wake(waiter: Waiter) -> None:
    with suppress(InvalidStateError):  # whoever waited was cancelled
        waiter.set_result(None)
