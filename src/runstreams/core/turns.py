"""Who reads next, of several readers that share a connection.

One page is read at a time, in the order in which the readers have asked, so that a burst of one
stream holds up none of the others, and what is in memory does not grow with their number. A replay
keeps a stretch of a segment while it reads from it, so only one of them replays at a time, for as
long as its stretch lasts; those that are live go on between its pages.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from .reading import Cursor


class Turns:
    """The order of the readers of one connection."""

    def __init__(self) -> None:
        self._page = asyncio.Lock()
        self._replay = asyncio.Lock()
        self._replaying: Cursor | None = None

    @contextmanager
    def taken(self, cursor: Cursor) -> Iterator[None]:
        """Let *cursor* take turns; afterwards it has none."""
        try:
            yield
        finally:
            self._leave(cursor)

    @asynccontextmanager
    async def next(self, cursor: Cursor, sealed: bool) -> AsyncIterator[None]:
        """Wait until it is the turn of *cursor*, whose next chunk may be *sealed* in a segment."""
        if sealed and self._replaying is not cursor:
            await self._replay.acquire()
            self._replaying = cursor
        async with self._page:
            yield
        if not cursor.has_more_at_hand:
            self._leave(cursor)

    def _leave(self, cursor: Cursor) -> None:
        if self._replaying is cursor:
            cursor.let_go()
            self._replaying = None
            self._replay.release()
