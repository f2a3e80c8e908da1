"""Following a stream for one reader, in the engine, through everything that connections do.

What is there already is read page by page; at the tail the server is asked for an event stream, and
where it has none, or it does not work, the reader polls. Each change of means begins with a page,
which is also what tells how a stream ended. Silence is never taken from the clock alone: it has
lasted when a page that was asked for after its time is empty. So a frozen process that wakes up
reads on, and a server that cannot be reached is not silent.
"""

import asyncio
import math
import os
from concurrent.futures import Future
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from ...core.errors import (
    IndexBeyondTail,
    IndexExpired,
    NoEventStream,
    NotThere,
    RunstreamsError,
)
from ...core.limits import PAGE_CHUNKS, SILENCE_SECONDS_MAX, WAIT_SECONDS
from ...core.model import StreamId
from ..engine.queues import ClosableQueue
from ..engine.waiting import fired
from ..errors import StreamCanceled, StreamFailed, WriterClosed
from ..records import Chunk, ChunkPage
from ..telling import Doing
from .cursor import ReadCursor

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.loops import Background

State = Literal["connecting", "live", "retrying", "closed", "failed"]

AHEAD = 2_000
"""So many chunks may wait for the reader's loop before no more are asked for."""

PAGE_WEIGHT = 250
"""A page counts as so many chunks at least: a few chunks may be as large as many small ones."""


class ReadSession:
    """Reads one stream and hands its chunks over, page by page."""

    def __init__(
        self,
        engine: "Engine",
        stream: StreamId,
        start: int | Literal["tail"],
        timeout: float | None,
        strict: bool,
    ) -> None:
        """Begin at *start*, from the end if it is negative; end after *timeout* seconds of silence.

        With *strict* a stream that failed or was canceled ends in an error.
        """
        self.stream = stream
        self.state: State = "connecting"
        self.pages: ClosableQueue[list[Chunk[object]]] = ClosableQueue()
        self.over: Future[None] = Future()
        """Done when it has let go of everything."""
        self.place = ReadCursor(0)
        self._background: Background | None = None
        self._process = os.getpid()
        self._start = start
        self._engine = engine
        self._timeout = math.inf if timeout is None else timeout
        self._strict = strict
        self._events = True
        self._deadline = math.inf
        self._patience = engine.patience(Doing("read", *stream))

    def start(self) -> None:
        """Begin to follow, in the background."""
        self._background = self._engine.spawn(self._run(), self._let_go)

    def stop(self) -> None:
        """Stop following; what has not been taken is dropped. `over` tells when it has let go."""
        self.pages.drop()
        if self._background is not None:
            self._background.cancel()

    async def _run(self) -> None:
        """Follow until the end of the stream or silence."""
        error: Exception | None = None
        try:
            await self._begin()
            await self._follow()
            self.state, error = "closed", self._ending()
        except Exception as problem:
            self.state, error = "failed", problem
        self.pages.end(error)

    def _let_go(self) -> None:
        self.pages.end(WriterClosed("the client is closed"))
        self.over.set_result(None)

    def take(self) -> list[Chunk[object]]:
        """Return the next chunks. Raises `NothingYet`, `StopIteration`, and what went wrong."""
        if os.getpid() != self._process:
            raise NotThere("this belongs to the process that began it: read again in this one")
        return self.pages.next()

    async def _begin(self) -> None:
        start = self._start
        if start == "tail" or start < 0:
            tail = await self._engine.persist(lambda to: to.tail(self.stream), self._patience)
            start = tail if start == "tail" else max(0, tail + start)
        self.place = ReadCursor(int(start))
        self._heard()

    async def _follow(self) -> None:
        place = self.place
        while place.closed is None:
            # Taken before asking: only an answer to what was asked in silence confirms it.
            late = self._now() >= self._deadline
            try:
                page = await self._page(late)
                if page is None:
                    continue
                if not page.chunks and not place.is_behind and place.closed is None:
                    if late:
                        return
                    if self._events:
                        await self._live()
            except RunstreamsError as error:
                await self._fail(error)

    async def _page(self, late: bool) -> ChunkPage | None:
        """Ask for the next page and hand it over; None when the place has moved instead."""
        wait = 0.0 if late or self._events else self._left(WAIT_SECONDS)
        place, transport = self.place, self._engine.transport
        try:
            page = await transport.page(self.stream, place.ask, wait, PAGE_CHUNKS)
        except IndexBeyondTail as beyond:
            place.beyond(beyond)
            return None
        except IndexExpired as expired:
            place.expired(expired)
            return None
        self._alive()
        await self._take(page)
        return page

    async def _live(self) -> None:
        """Follow by events until they end, fail, or silence has lasted."""
        place, fruitful = self.place, False
        silence = self._left(SILENCE_SECONDS_MAX)
        events = self._engine.transport.follow(self.stream, place.ask or 0, silence)
        try:
            async with aclosing(events):
                async for page in events:
                    fruitful = True
                    self._alive()
                    if page is not None:
                        await self._take(page)
                        if place.ask != page.next_index:
                            return  # the stream has been begun anew
                    if self._now() >= self._deadline:
                        return
        except NoEventStream:
            self._events = False
        except RunstreamsError:
            # Something in between may not let events through.
            self._events = fruitful
            raise

    async def _take(self, page: ChunkPage) -> None:
        """Hand over what is new, and wait until the reader has room for more."""
        chunks = self.place.take(page)
        if chunks:
            self.pages.put(chunks, max(len(chunks), PAGE_WEIGHT))
            while (full := self.pages.full(AHEAD)) is not None:
                await fired(full)
            self._heard()

    async def _fail(self, error: RunstreamsError) -> None:
        seconds = self._patience.after(error)
        self.state = "retrying"
        await asyncio.sleep(seconds)
        if not self._events and self._patience.failures > 1:
            self._events = True  # polling does not work either

    def _alive(self) -> None:
        self.state = "live"
        self._patience.progress()

    def _heard(self) -> None:
        self._deadline = self._now() + self._timeout

    def _left(self, most: float) -> float:
        return max(0.0, min(self._deadline - self._now(), most))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _ending(self) -> RunstreamsError | None:
        closed = self.place.closed
        if closed is None or not self._strict or closed.status == "completed":
            return None
        name, end = f"{self.stream.run}/{self.stream.key}", self.place.next_index
        if closed.status == "failed":
            reason = closed.error or "no reason given"
            return StreamFailed(f"{name} failed: {reason}", error=closed.error, next_index=end)
        return StreamCanceled(f"{name} was canceled", error=closed.error, next_index=end)
