"""The leases of a run: on its record, and on its streams that were written in it and are open.

A pipe or a writer that ends, and an append, leave their stream to the run around them. As long as
that goes on, it promises for all of them; its completion closes them.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.errors import RunstreamsError
from ..core.leasing import Claim
from ..core.model import StreamId
from .engine.engine import Engine
from .engine.loops import Background
from .engine.writers import new_client
from .explaining import Doing
from .leases import period
from .retrying import is_passing
from .transport import Transport

AT_ONCE = 16
"""So many streams are promised for at the same time."""

logger = logging.getLogger("runstreams")


class RunLeases:
    """Promises for one run, from when it is entered until its end."""

    def __init__(self, engine: Engine, run: str, seconds: int) -> None:
        """Promise for *run* by *engine* that it is heard of within *seconds*; 0: never."""
        self.seconds = seconds
        self._engine = engine
        self._run = run
        self._client = new_client()
        self._streams: dict[StreamId, int | None] = {}
        self._background: Background | None = None
        self._process = os.getpid()

    @property
    def claim(self) -> Claim | None:
        """What the run promises when it is registered."""
        return Claim(self._client, self.seconds * 1000) if self.seconds else None

    def keeps(self, stream: StreamId, engine: Engine) -> bool:
        """Say whether *stream*, written by *engine*, is one of this run's. Nothing is kept in a
        child of the process: what promises for the run is in the parent.
        """
        is_here = engine is self._engine and os.getpid() == self._process
        return bool(self.seconds) and stream.run == self._run and is_here

    def start(self) -> None:
        """Begin to promise, in the background."""
        if self.seconds:
            self._background = self._engine.spawn(self._keep(), lambda: None)

    def stop(self) -> None:
        """Promise no more."""
        if self._background is not None:
            self._background.cancel()

    # In the engine

    def to_promise(self, stream: StreamId) -> int | None:
        """Return what an append to *stream* promises; None when it is promised for already."""
        return None if stream in self._streams else self.seconds

    def take(self, stream: StreamId, fence: int | None) -> None:
        """Promise for *stream* from now on, until it was taken over more often than *fence*."""
        self._streams[stream] = fence

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(period(self.seconds))
            await self._renew(self._register)
            streams = list(self._streams)
            for at in range(0, len(streams), AT_ONCE):
                await asyncio.gather(*map(self._hold, streams[at : at + AT_ONCE]))

    async def _register(self, to: Transport) -> None:
        await to.register(self._run, None, None, self.claim)

    async def _hold(self, stream: StreamId) -> None:
        fence = self._streams[stream]
        said = stream, self._client, 0, b"", self.seconds, fence
        if await self._renew(lambda to: to.append(*said)):
            return
        # Meanwhile it may have been handed over by whoever has taken the stream over.
        if self._streams.get(stream) == fence:
            self._streams.pop(stream, None)

    async def _renew(self, promise: Callable[[Transport], Awaitable[Any]]) -> bool:
        """Make a promise, again and again until it is time for the next one; say whether that is
        of any use.
        """
        patience = self._engine.patience(Doing("write", self._run))
        try:
            async with asyncio.timeout(period(self.seconds)):
                await self._engine.persist(promise, patience)
        except TimeoutError:
            return True
        except RunstreamsError as error:
            logger.info("a lease of run %s was not renewed: %s", self._run, error)
            return is_passing(error)
        return True
