"""Time that passes only when nothing else happens: an event loop whose clock jumps when idle.

A test of hours takes milliseconds, and the same test always takes the same course. Sockets and
threads are waited for in real time, as long as nothing is due to happen in virtual time.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_MS = 1_700_000_000_000
"""What the clock says when a loop begins, in milliseconds since 1970."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that skips the time in which it would only wait."""

    def __init__(self, patience: float = 0) -> None:
        """Begin at time 0. Where threads are part of the test, *patience* is how many real
        seconds they get before the time that everybody else waits for is skipped.
        """
        self._passed = 0.0
        super().__init__(_Skipping(self, patience))
        # Timers ring this much early, or after months the rounding of floats would hold them back.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._passed

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads, however long: 300 seconds are over at once here."""
        await super().shutdown_default_executor()

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds


class _Skipping(selectors.DefaultSelector):
    """A selector that lets virtual time pass instead of waiting for it."""

    def __init__(self, loop: VirtualLoop, patience: float) -> None:
        super().__init__()
        self._loop = loop
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(self._patience)
        if not ready:
            self._loop.skip(timeout)
        return ready


def clock() -> int:
    """Return the running loop's time as milliseconds since 1970: a `Clock` for the core."""
    return START_MS + round(asyncio.get_running_loop().time() * 1000)


def run(main: Coroutine[Any, Any, T], patience: float = 0) -> T:
    """Run *main* in a loop of its own whose time is virtual."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(patience)) as runner:
        return runner.run(main)
