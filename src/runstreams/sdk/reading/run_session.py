"""Following all streams of a run for one reader, over one connection at a time.

Everything is read by an event stream, or by long polls where that does not work; both tell of each
stream what becomes of it, and either goes on from the cursors of all streams. As for a single
stream, only chunks are progress, and silence has lasted when nothing comes to a question that was
asked after its time.
"""

import asyncio
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from ...core.errors import (
    IndexBeyondTail,
    IndexExpired,
    RunstreamsError,
)
from ...core.limits import FOLLOWED_STREAMS, PAGE_CHUNKS, WAIT_SECONDS
from ...core.model import Closed, StreamId
from ..engine.waiting import fired
from ..errors import Unexpected, Unreachable
from ..explaining import Doing
from ..leases import Silence
from ..records import Chunk, ChunkPage, Rollback, RunChunk, RunItem, RunItems
from ..tracing import reading
from .base import AHEAD, EARLY_SECONDS, PAGE_WEIGHT, POLL_SECONDS, Session
from .cursor import ReadCursor
from .ending import ending_of
from .superseding import Counting, Superseded

if TYPE_CHECKING:
    from ..engine.engine import Engine

logger = logging.getLogger("runstreams")
connection_logger = logging.getLogger("runstreams.connection")

SILENT = (
    "%s: nothing came for %g s, and no producer has promised to: the read ends, and "
    "start=reader.positions goes on with it; timeout=None waits for ever"
)

_CROWDED = (
    "%s: %d of its streams are open, and no more are read at a time: the others wait until one of "
    "them is closed"
)


class RunSession(Session[RunChunk[object]]):
    """Reads all streams of a run and hands their chunks over."""

    def __init__(
        self,
        engine: "Engine",
        run: str,
        start: Mapping[str, int | None],
        timeout: Silence,
        strict: bool,
        superseded: Superseded = "skip",
    ) -> None:
        """Begin each stream where *start* says, None leaves it out, and all others at their oldest
        chunk; end after *timeout* seconds in which none of them had a chunk.

        With *strict* a stream that failed or was canceled ends in an error, when all is read.
        Chunks that no longer count are left out unless *superseded* is `"keep"`.
        """
        super().__init__(engine, Doing("read", run), timeout, strict)
        self.run = run
        self.is_over = False
        """Whether the run is completed and everything of it is read."""
        asked = start.items()
        self._left_out = {key for key, index in asked if index is None}
        self._cursors = {key: ReadCursor(index) for key, index in asked if index is not None}
        self._keeps = superseded == "keep"
        self._counting: dict[str, Counting] = {}
        self._moved = set[str]()
        self._is_crowded = False
        self._is_moved = False

    @property
    def closed(self) -> dict[str, Closed]:
        """How those streams have ended that have come to their end."""
        cursors = list(self._cursors.items())
        return {key: cursor.closed for key, cursor in cursors if cursor.closed is not None}

    async def _run(self) -> None:
        """Follow until the end of the run or silence."""
        error: Exception | None = None
        try:
            with reading(self.run) as self._trace:
                self._heard()
                await self._follow()
            self.state = "closed" if self.is_over else "silent"
            if not self.is_over:
                self._tell_of_silence()
            error = self._ending()
        except Exception as problem:
            self.state, error = "failed", problem
        self.pages.end(error)

    async def _follow(self) -> None:
        while not self.is_over:
            # Taken before asking: only an answer to what was asked in silence confirms it.
            late = self._left(math.inf) <= 0
            try:
                if late or not self._events:
                    if await self._poll(late) and late and self._left(math.inf) <= 0:
                        return
                else:
                    await self._live()
            except RunstreamsError as error:
                await self._fail(error)

    async def _poll(self, late: bool) -> bool:
        """Ask once for what there is, or comes; return whether that is nothing."""
        wait, begun = 0.0 if late else self._left(WAIT_SECONDS), self._now()
        try:
            found = await self._engine.transport.page_run(
                self.run, self._wanted(), wait, PAGE_CHUNKS
            )
            is_news = await self._take(found)
        except RunstreamsError:
            self._turn()
            raise
        if is_news or self.is_over:
            return False
        if wait:
            await asyncio.sleep(max(0.0, begun + min(wait, POLL_SECONDS) - self._now()))
        self._progress()
        return True

    async def _has_ended(self, silence: float) -> bool:
        """Hand over what events bring; return False when it is over, or to be asked for anew from
        where they have led.
        """
        events = self._engine.transport.follow_run(self.run, self._wanted(), silence)
        async with aclosing(events):
            async for found in events:
                await self._take(found)
                if self.is_over or self._is_moved or self._left(math.inf) <= 0:
                    return False
        return True

    async def _believe(self, due: float) -> None:
        """Events have ended in silence, which was *due*. Raises `Unreachable` when it was not."""
        if self._now() < due - EARLY_SECONDS:
            raise Unreachable("the event stream ended early")
        self._progress()
        if (left := self._left(math.inf)) <= EARLY_SECONDS:
            await asyncio.sleep(left)

    def _wanted(self) -> dict[str, int | None]:
        """Return where each stream goes on. They are served in this order, so those that had chunks
        last come last.
        """
        going = {key: cursor for key, cursor in self._cursors.items() if cursor.closed is None}
        asked = {key: cursor.ask or 0 for key, cursor in going.items()}
        self._is_moved = False
        return {**dict.fromkeys([*self._left_out, *self.closed]), **asked}

    async def _take(self, found: RunItems) -> bool:
        """Hand over what is new, and wait until the reader has room; say whether anything was."""
        self.state = "live"
        taken = [(item, chunks) for item in found.items if (chunks := self._taken(item))]
        self.is_over = found.over and not self._is_moved
        self._tell_of_crowd()
        if taken:
            self._progress()
            self._moved.clear()
            counted = [chunk for item, chunks in taken for chunk in self._counted(item, chunks)]
            if counted:
                self.pages.put(counted, max(len(counted), PAGE_WEIGHT))
            for key in dict.fromkeys(item.key for item, _ in taken):
                await self._trace.link(self._engine.transport, StreamId(self.run, key))
            while (full := self.pages.full(AHEAD)) is not None:
                await fired(full)
            self._heard()
        self._hear_of(found.leased_until)
        return bool(found.items)

    def _counted(
        self, item: RunItem, chunks: list[Chunk[object]]
    ) -> Iterator[RunChunk[object] | Rollback]:
        """Yield what is given of *chunks*, which are new of *item*."""
        key, page = item
        assert isinstance(page, ChunkPage)
        counting = self._counting.setdefault(key, Counting(key, self._keeps))
        for each in counting.counted(chunks, page):
            if isinstance(each, Rollback):
                yield each
            else:
                yield RunChunk(key, each.index, each.data, each.id, each.timestamp)

    def _taken(self, item: RunItem) -> list[Chunk[object]]:
        """Return the chunks of *item* that are new. Raises what has gone wrong with its stream."""
        key, what = item
        cursor = self._cursors.pop(key) if key in self._cursors else ReadCursor(0)
        self._cursors[key] = cursor
        if isinstance(what, RunstreamsError):
            self._move(key, cursor, what)
            return []
        try:
            chunks = cursor.take(what)
        except IndexExpired as hole:
            # Chunks have expired meanwhile: asked for by their index, the server says so.
            raise Unreachable("the stream leaves out chunks") from hole
        if cursor.closed is None and cursor.ask != (what.next_index or None):
            self._ask_anew(key)  # it has been begun anew, and is read from its beginning
        return chunks

    def _move(self, key: str, cursor: ReadCursor, error: RunstreamsError) -> None:
        """Ask elsewhere for a stream that is not where it was asked for. Raises any other
        *error*.
        """
        try:
            if isinstance(error, IndexBeyondTail):
                cursor.beyond(error)
            elif isinstance(error, IndexExpired):
                cursor.expired(error)
            else:
                raise error
        except RunstreamsError as problem:
            told = Doing("read", self.run, key).told(problem)
            raise told from told.__cause__
        self._ask_anew(key)

    def _ask_anew(self, key: str) -> None:
        """Ask again from the cursors there are. Raises `Unexpected` when that is of no use."""
        if key in self._moved:
            raise Unexpected("the stream is nowhere where it should be", http_status=502)
        self._moved.add(key)
        self._is_moved = True

    def _hear_of(self, leased_until: int | None) -> None:
        """Take in whether somebody has promised to be heard of."""
        is_unwritten = all(cursor.is_unwritten for cursor in self._cursors.values())
        if self._is_patient and (leased_until is not None or is_unwritten):
            self._last = self._now()

    def _tell_of_silence(self) -> None:
        if self._is_patient:
            logger.warning(SILENT, self.run, self._timeout)

    def _tell_of_crowd(self) -> None:
        """Say once when there are more streams than are read at a time, or just as many."""
        if self._is_crowded or len(self._cursors) < FOLLOWED_STREAMS:
            return
        if sum(cursor.closed is None for cursor in self._cursors.values()) >= FOLLOWED_STREAMS:
            self._is_crowded = True
            connection_logger.warning(_CROWDED, self.run, FOLLOWED_STREAMS)

    def _ending(self) -> RunstreamsError | None:
        """Return the error that the first stream has ended in, if it is to be raised."""
        for key, cursor in self._cursors.items():
            if self._strict and cursor.closed is not None:
                error = ending_of(StreamId(self.run, key), cursor.closed, cursor.next_index)
                if error is not None:
                    return error
        return None
