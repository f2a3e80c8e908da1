"""A live reader: everything of a stream from an index on, then what comes, for as long as it comes.

It decides what is read, when it is time for a sign of life, and when it is over; whoever serves it
only hands on what comes out.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from enum import Enum, auto
from functools import partial
from math import inf
from typing import NamedTuple

from .limits import EVENT_BYTES, EVENT_CHUNKS, PING_SECONDS, TICK_SECONDS
from .model import Head, Page, StreamId
from .observing import Observer
from .page_cache import PageCache
from .position import Position, generation_of
from .reading import Lookup, StreamGone
from .turns import Turns
from .waiting import Watches

ALONE = nullcontext()
"""The turn of a reader that shares its connection with none."""


class End(Enum):
    """Why a live reader has come to its end."""

    CLOSED = auto()
    """It has all of a stream that is closed."""
    SILENT = auto()
    """Nothing has come for as long as it waits."""
    OUT_OF_TIME = auto()
    """Whoever serves it has no more time; there may be more to read."""
    BEGUN_ANEW = auto()
    """The one stream that it was to read is gone, and another may have its name."""


class Tick(NamedTuple):
    """A sign of life of a silent stream."""

    head: Head | None
    """None when the stream is not there."""


class Follower:
    """One live reader of a stream."""

    def __init__(
        self,
        lookup: Lookup,
        watches: Watches,
        pages: PageCache,
        observer: Observer,
        stream: StreamId,
        head: Head | None,
        index: int,
        *,
        silence: float,
        seconds: float = inf,
        exact: bool = False,
        turns: Turns | None = None,
        raw: bool = False,
        generation: str | None = None,
    ) -> None:
        """Begin at *index* of the stream whose *head* was just read; *exact* minds whether that has
        expired, a *raw* one takes bytes for JSON, and one with a *generation* reads that one only.

        End after *silence* seconds without a chunk, or after *seconds* in all. Pages are read in
        *turns* with others, if there are any.
        """
        self.end: End | None = None
        """Why it has ended, once it has."""
        self._exact = exact
        self._turns = turns
        self._cursor = lookup.cursor(stream, raw=raw)
        self._watches = watches
        self._pages = pages
        self._observer = observer
        self._stream = stream
        self._generation = generation
        self._is_begun_anew = False
        self._head = self._known(head)
        self._position = Position(index, generation_of(head))
        self._live = False
        self._silence = silence
        self._time = asyncio.get_running_loop().time
        self._silent_at = self._time() + silence
        self._ping_at = self._time() + PING_SECONDS
        self._over_at = self._time() + seconds

    async def events(self) -> AsyncGenerator[Page | Tick, None]:
        """Yield pages that are not empty, and signs of life between them, until there is an end.

        What has expired is passed over, but for an exact beginning; a stream begun anew goes on
        from its beginning, unless one generation only is read. Raises `ObjectMissing`, and
        `IndexExpired` at an exact beginning.
        """
        with self._watches.watching(self._stream, self._head), self._taking_turns():
            self.end = End.BEGUN_ANEW if self._is_begun_anew else None
            while self.end is None:
                if not self.is_behind and (tick := await self._wait()) is not None:
                    yield tick
                    await self._has_told(tick)
                if self.is_behind:
                    async with self._turn():
                        if (page := await self._page()) is not None:
                            yield page
                            await self._has_told(page)
                self.end = self._find_end()

    @property
    def head(self) -> Head | None:
        """The head as it was last seen."""
        return self._head

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read already."""
        return self._head is not None and self._position.index < self._head.tail

    async def _page(self) -> Page | None:
        """Return the next page; None when nothing is left for it."""
        assert self._head is not None
        read = partial(self._pages.page, self._cursor) if self._live else self._cursor.page
        at, exact = self._position.index, self._exact
        try:
            page = await read(self._head, at, exact=exact, most=EVENT_CHUNKS, size=EVENT_BYTES)
        except StreamGone as gone:
            self._head = self._known(gone.head)
            self._position = Position(0, generation_of(gone.head))
            return None
        finally:
            self._exact = False
        self._position.index = page.next_index
        return page if page.chunks else None

    async def _wait(self) -> Tick | None:
        """Wait for news, or until it is time for a sign of life, and return that; None when it is
        something else.
        """
        until = min(self._silent_at, self._ping_at, self._over_at)
        at, seconds = self._position.index, until - self._time()
        head = await self._watches.beyond(self._stream, self._head, at, seconds)
        self._head = self._known(head)
        self._position.meet(generation_of(self._head))
        self._exact, self._live = False, self._live or self.is_behind
        if self._is_due(self._ping_at) and not self.is_behind and self._find_end() is None:
            return Tick(self._head)
        return None

    def _known(self, head: Head | None) -> Head | None:
        """Return *head*, unless it is of another stream than the one that is to be read."""
        if self._generation in (None, generation_of(head)):
            return head
        self._is_begun_anew = True
        return None

    def _taking_turns(self) -> AbstractContextManager[None]:
        return ALONE if self._turns is None else self._turns.taken(self._cursor)

    def _turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until it is our turn to read a page."""
        if self._turns is None:
            return ALONE
        is_sealed = self._head is not None and self._position.index < self._head.sealed
        return self._turns.next(self._cursor, is_sealed)

    async def _has_told(self, event: Page | Tick) -> None:
        """Take in that *event* was taken. A long replay lets others have their turn, and what is
        sent leaves before we wait again.
        """
        self._ping_at = self._time() + PING_SECONDS
        if isinstance(event, Page):
            self._observer.delivered(event, self._live)
            self._silent_at = self._time() + self._silence
        await asyncio.sleep(0)

    def _find_end(self) -> End | None:
        if self._is_begun_anew:
            return End.BEGUN_ANEW
        if not self.is_behind:
            if self._head is not None and self._head.closed is not None:
                return End.CLOSED
            if self._is_due(self._silent_at):
                return End.SILENT
        return End.OUT_OF_TIME if self._is_due(self._over_at) else None

    def _is_due(self, moment: float) -> bool:
        return moment - self._time() < TICK_SECONDS
