"""When sealing runs: beside the append that found it due, or inside of it.

A server goes on between requests, so it seals in the background. A Lambda function stands still
between them, so it seals before it answers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from .model import Head, StreamId
from .observing import Observer
from .sealing import Sealer

logger = logging.getLogger(__name__)

Seal = Callable[[StreamId], Awaitable[Any]]

_SEALING_NEEDS_MS = 3_000
"""Time that must be left to begin sealing: reading and writing some 8 MiB takes about a second."""


class SealSchedule:
    """Runs sealing beside the append that found it due, or inside of it."""

    def __init__(
        self,
        sealer: Sealer,
        background: bool,
        time_left: Callable[[], int] | None,
        observer: Observer,
    ) -> None:
        self._sealer = sealer
        self._background = background
        self._time_left = time_left
        self._observer = observer
        self._tasks: dict[StreamId, asyncio.Task[None]] = {}

    async def some(self, stream: StreamId, seen: Head | None = None) -> None:
        """Seal once, or beside the appends until it has caught up with them; *seen* is the whole
        head as an append has just left it.
        """
        if not self._background:
            await self._inside(partial(self._sealer.seal, seen=seen), stream)
        elif stream not in self._tasks:
            self._beside(stream, self._quietly(partial(self._sealer.keep_up, seen=seen), stream))

    async def everything(self, stream: StreamId) -> None:
        """Seal all that is left, after what is under way."""
        if not self._background:
            await self._inside(self._sealer.seal_all, stream)
        else:
            self._beside(stream, self._after(self._tasks.get(stream), stream))

    async def _inside(self, seal: Seal, stream: StreamId) -> None:
        if self._time_left is None or self._time_left() >= _SEALING_NEEDS_MS:
            await self._quietly(seal, stream)

    async def _after(self, before: asyncio.Task[None] | None, stream: StreamId) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._quietly(self._sealer.seal_all, stream)

    async def _quietly(self, seal: Seal, stream: StreamId) -> None:
        try:
            with self._observer.sealing():
                await seal(stream)
        except Exception:
            # The chunks are committed and acknowledged; a later append or close seals them.
            logger.exception("sealing failed")

    def _beside(self, stream: StreamId, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[stream] = task
        task.add_done_callback(lambda done: self._forget(stream, done))

    def _forget(self, stream: StreamId, task: asyncio.Task[None]) -> None:
        if self._tasks.get(stream) is task:
            del self._tasks[stream]

    async def aclose(self) -> None:
        """Finish what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())
