"""Following a stream for one reader, in the engine, through everything that connections do.

What is there already is read page by page; at the tail the server is asked for an event stream, and
where it has none, or it does not work, the reader polls. Each change of means begins with a page,
which is also what tells how a stream ended. Silence is never taken from the clock alone: it has
lasted when a page that was asked for after its time is empty. So a frozen process that wakes up
reads on, and a server that cannot be reached is not silent.

Unless a time is named, a stream is not silent as long as somebody has promised to be heard of, or
nothing was ever written to it.

Where the server says that a cache gives pages to many, the reader asks for those, and for no event
stream: so all who are at one index ask for the same.

Only chunks are progress, and a wait that lasted: a sign of life is soon given, and something in
between may answer from memory. Whatever else comes is a failure, with a pause behind it.
"""

import asyncio
import logging
import math
from contextlib import aclosing
from typing import TYPE_CHECKING

from ...core.errors import (
    IndexBeyondTail,
    IndexExpired,
    RunstreamsError,
)
from ...core.limits import PAGE_CHUNKS, WAIT_SECONDS
from ...core.model import TAIL, Start, StreamId
from ..engine.waiting import fired
from ..errors import Unexpected, Unreachable
from ..explaining import Doing
from ..leases import Silence
from ..records import Chunk, ChunkPage, Sharing, SignOfLife
from ..tracing import reading
from .base import AHEAD, EARLY_SECONDS, PAGE_WEIGHT, POLL_SECONDS, Session
from .cursor import ReadCursor
from .ending import ending_of
from .superseding import Counting, Superseded

if TYPE_CHECKING:
    from ..engine.engine import Engine

logger = logging.getLogger("runstreams")


class ReadSession(Session[Chunk[object]]):
    """Reads one stream and hands its chunks over, page by page."""

    def __init__(
        self,
        engine: "Engine",
        stream: StreamId,
        start: Start,
        timeout: Silence,
        strict: bool,
        superseded: Superseded = "skip",
    ) -> None:
        """Begin at *start*, from the end if it is negative; end after *timeout* seconds of silence.

        With *strict* a stream that failed or was canceled ends in an error. Chunks that no longer
        count are left out unless *superseded* is `"keep"`.
        """
        super().__init__(engine, Doing("read", *stream), timeout, strict)
        self.stream = stream
        self.cursor = ReadCursor(0)
        self.begun_at = 0
        """The index that it began at, once that is known."""
        self._start = start
        self._cache_cursor: int | None = None
        self._is_moved = False
        self._counting = Counting(stream.key, keeps=superseded == "keep")

    async def _run(self) -> None:
        """Follow until the end of the stream or silence."""
        error: Exception | None = None
        try:
            with reading(*self.stream) as self._trace:
                await self._begin()
                await self._follow()
            self.state, error = "closed", self._ending()
            if self.cursor.closed is None:
                self.state = "silent"
                self._tell_of_silence()
        except Exception as problem:
            self.state, error = "failed", problem
        self.pages.end(error)

    async def _begin(self) -> None:
        start = self._start
        if start == TAIL or start < 0:
            tail = await self._engine.persist(lambda to: to.tail(self.stream), self._patience)
            start = tail if start == TAIL else max(0, tail + start)
        self.cursor = ReadCursor(int(start))
        self.begun_at = self.cursor.next_index
        self._heard()

    async def _follow(self) -> None:
        while self.cursor.closed is None:
            # Taken before asking: only an answer to what was asked in silence confirms it.
            late = self._left(math.inf) <= 0
            try:
                if await self._page(late):
                    if late and self._left(math.inf) <= 0:
                        return
                    if self._events:
                        await self._live()
            except RunstreamsError as error:
                await self._fail(error)

    async def _page(self, late: bool) -> bool:
        """Ask for the next page and hand it over; return whether there is no more for now."""
        wait = 0.0 if late or self._events else self._left(WAIT_SECONDS)
        asked, begun = self.cursor.ask, self._now()
        try:
            page = await self._ask(asked, wait)
            if (news := await self._take(page)) or not page.chunks:
                self._is_moved = False
            if news or self.cursor.closed is not None:
                return False
            if page.chunks or self.cursor.is_behind:
                return self._is_kept(asked, late)
        except (IndexBeyondTail, IndexExpired) as error:
            self._move(error)
            return False
        except RunstreamsError:
            if not self._events:
                self._turn()
            raise
        if wait:
            await self._waited(begun + min(wait, POLL_SECONDS))
        return True

    async def _ask(self, start: int | None, wait: float) -> ChunkPage:
        """Ask for a page: for one that others want as well, where those are shared and there is
        time to wait as long as they do.
        """
        sharing = None
        if self._is_shared and wait >= WAIT_SECONDS:
            sharing = Sharing(self.cursor.generation, self._cache_cursor)
        page = await self._engine.transport.page(self.stream, start, wait, PAGE_CHUNKS, sharing)
        self._cache_cursor = page.cursor
        if page.is_shared and not self._is_shared:
            # An event stream would go past the cache, a connection for each reader.
            self._is_shared, self._events = True, False
        return page

    def _is_kept(self, asked: int | None, late: bool) -> bool:
        """Say whether a page with nothing new, asked for at *asked*, is to be taken for silence.
        Raises `Unexpected` when nothing comes of it.
        """
        if self.cursor.ask != asked:
            self._note_move()
            return False
        if late and not self.cursor.is_behind:
            return True
        raise Unexpected("the page brings nothing new", http_status=502)

    def _move(self, error: IndexBeyondTail | IndexExpired) -> None:
        """Ask elsewhere from now on. Raises *error* when that is of no use, and `Unexpected` when
        the server has just said so.
        """
        if isinstance(error, IndexBeyondTail):
            self.cursor.beyond(error)
        else:
            self.cursor.expired(error)
        self._note_move(error)

    def _note_move(self, cause: Exception | None = None) -> None:
        if self._is_moved:
            raise Unexpected("the stream is nowhere where it should be", http_status=502) from cause
        self._is_moved = True

    async def _waited(self, until: float) -> None:
        """A poll has been waited for; not less than *until*."""
        await asyncio.sleep(max(0.0, until - self._now()))
        self._progress()

    async def _has_ended(self, silence: float) -> bool:
        """Hand over what events bring; return False when a page must go on where they have led."""
        cursor = self.cursor
        events = self._engine.transport.follow(self.stream, cursor.ask or 0, silence)
        async with aclosing(events):
            async for page in events:
                self.state = "live"
                if isinstance(page, SignOfLife):
                    self._hear_of(page.leased_until)
                else:
                    await self._take_event(page)
                    if cursor.ask is None:
                        return False  # the stream has been begun anew
                if self._left(math.inf) <= 0:
                    return False
        return True

    async def _take_event(self, page: ChunkPage) -> None:
        try:
            await self._take(page)
        except IndexExpired as hole:
            # Chunks have expired, or it is what another one asked for: a page tells.
            raise Unreachable("the event stream leaves out chunks") from hole

    async def _believe(self, due: float) -> None:
        """Events have ended, which was *due* unless the stream is closed. Raises `Unreachable`."""
        if self._now() >= due - EARLY_SECONDS:
            self._progress()
            if (left := self._left(math.inf)) <= EARLY_SECONDS:
                await asyncio.sleep(left)
            return
        await self._page(late=False)
        if self.cursor.closed is None:
            raise Unreachable("the event stream ended early")

    async def _take(self, page: ChunkPage) -> bool:
        """Hand over what is new, and wait until the reader has room; say whether anything was."""
        self.state = "live"
        chunks = self.cursor.take(page)
        if chunks:
            self._progress()
            if counted := self._counting.counted(chunks, page):
                self.pages.put(counted, max(len(counted), PAGE_WEIGHT))
            await self._trace.link(self._engine.transport, self.stream)
            while (full := self.pages.full(AHEAD)) is not None:
                await fired(full)
            self._heard()
        self._hear_of(page.leased_until)
        return bool(chunks)

    def _hear_of(self, leased_until: int | None) -> None:
        """Take in whether somebody has promised to be heard of."""
        if self._is_patient and (leased_until is not None or self.cursor.is_unwritten):
            self._last = self._now()

    def _tell_of_silence(self) -> None:
        if self._is_patient:
            logger.warning(
                "%s/%s: nothing came for %g s, and no producer has promised to: the read ends, and "
                "start_index=%d goes on with it; timeout=None waits for ever",
                *self.stream,
                self._timeout,
                self.cursor.next_index,
            )

    def _ending(self) -> RunstreamsError | None:
        closed = self.cursor.closed
        if closed is None or not self._strict:
            return None
        return ending_of(self.stream, closed, self.cursor.next_index)
