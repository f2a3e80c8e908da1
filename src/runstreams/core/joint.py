"""Several streams of a run, followed as one: what comes of each, by its key, in fair turns.

Whatever becomes of one of them is told of that one, and ends none of the others.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple

from .errors import RunstreamsError
from .finding import Finder
from .following import End, Follower, Tick
from .limits import FOLLOWED_STREAMS, PING_SECONDS, TICK_SECONDS
from .model import Page, UnixMs
from .turns import Turns

Open = Callable[[str, int, Turns], Awaitable[Follower]]
"""Begins to follow the stream of a key, exactly at an index, in turns with others."""

Index = int | None
"""Where a stream is wanted from on, 0 for the oldest chunk left; None: it is not wanted."""


class Item(NamedTuple):
    """What comes of one stream: a page, which is empty only where it tells of the end; a sign of
    life; or why the stream is not read on.
    """

    key: str
    what: Page | Tick | RunstreamsError


class Alive(NamedTuple):
    """A sign of life of a run of which no stream is open."""

    leased_until: UnixMs | None
    """Until when somebody has promised to be heard of for the run as such."""


class Joint:
    """A live reader of several streams of a run."""

    def __init__(
        self,
        open_: Open,
        wanted: Mapping[str, Index],
        finder: Finder | None,
        *,
        silence: float,
        seconds: float,
    ) -> None:
        """Read what is *wanted*, and by a *finder* all other streams of the run as well.

        End after *silence* seconds in which no stream had a chunk, or after *seconds* in all.
        """
        self.end: End | None = None
        """Why it has ended, once it has; `End.CLOSED` when all of its streams are, and are read."""
        self._open = open_
        self._known = dict(wanted)
        self._finder = finder
        self._turns = Turns()
        self._room = asyncio.Semaphore(FOLLOWED_STREAMS)
        self._items: asyncio.Queue[Item | Exception | None] = asyncio.Queue(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._going = 0
        self._followers: dict[str, Follower] = {}
        self._has_failed = False
        self._pages_ahead = 0
        self._time = asyncio.get_running_loop().time
        self._silence = silence
        self._silent_at = self._time() + silence
        self._ping_at = self._time() + PING_SECONDS
        self._over_at = self._time() + seconds

    async def items(self) -> AsyncGenerator[Item | Alive, None]:
        """Yield what comes of the streams until there is an end. Raises what concerns all."""
        self._follow([key for key, index in self._known.items() if index is not None])
        if self._finder is not None:
            self._begin(self._find(self._finder))
        try:
            while self.end is None:
                if (item := await self._next()) is not None:
                    yield item
                    self._has_told(item)
                self.end = self._find_end()
        finally:
            await self._leave()

    async def _next(self) -> Item | Alive | None:
        """Return what comes next; None when it is time to see whether this is the end."""
        until = self._over_at if self._is_behind() else min(self._over_at, self._silent_at)
        try:
            async with asyncio.timeout_at(min(until, self._ping_at)):
                item = await self._items.get()
        except TimeoutError:
            return self._alive() if self._is_due(self._ping_at) else None
        if isinstance(item, Exception):
            raise item
        return item

    def _alive(self) -> Alive | None:
        """Return a sign of life where there is no stream to give one."""
        self._ping_at = self._time() + PING_SECONDS
        if self._followers or self._finder is None:
            return None
        return Alive(self._finder.leased_until)

    def _has_told(self, item: Item | Alive) -> None:
        self._ping_at = self._time() + PING_SECONDS
        if isinstance(item, Item) and isinstance(item.what, Page):
            self._pages_ahead -= 1
            self._silent_at = self._time() + self._silence

    def _find_end(self) -> End | None:
        if not self._going and self._items.empty():
            return End.OUT_OF_TIME if self._has_failed else End.CLOSED
        if self._is_due(self._silent_at) and not self._is_behind():
            return End.SILENT
        return End.OUT_OF_TIME if self._is_due(self._over_at) else None

    def _is_behind(self) -> bool:
        followers = self._followers.values()
        return self._pages_ahead > 0 or any(follower.is_behind for follower in followers)

    def _is_due(self, moment: float) -> bool:
        return moment - self._time() < TICK_SECONDS

    def _follow(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._begin(self._pump(key, self._known.setdefault(key, 0) or 0))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._going += 1
        self._tasks.append(asyncio.create_task(self._do(work)))

    async def _do(self, work: Coroutine[None, None, None]) -> None:
        """Do *work*, and wake who waits when it has ended."""
        problem: Exception | None = None
        try:
            await work
        except Exception as error:
            problem = error
        self._going -= 1
        if self._finder is not None:
            self._finder.look_again()
        await self._items.put(problem)

    async def _find(self, finder: Finder) -> None:
        async for keys in finder.arriving(self._known, lambda: self._going == 1):
            self._follow(keys)

    async def _pump(self, key: str, index: int) -> None:
        """Hand on what comes of one stream."""
        try:
            async with self._room:
                follower = self._followers[key] = await self._open(key, index, self._turns)
                if not await self._hand_on(key, follower):
                    await self._put(Item(key, _ending(follower)))
        except RunstreamsError as error:
            self._has_failed = True
            await self._put(Item(key, error))
        finally:
            self._followers.pop(key, None)

    async def _hand_on(self, key: str, follower: Follower) -> bool:
        """Say whether the last page has told of the stream's end."""
        has_told = False
        async with aclosing(follower.events()) as events:
            async for event in events:
                has_told = isinstance(event, Page) and event.closed is not None
                await self._put(Item(key, event))
        return has_told

    async def _put(self, item: Item) -> None:
        self._pages_ahead += isinstance(item.what, Page)
        await self._items.put(item)

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _ending(follower: Follower) -> Page:
    head = follower.head
    assert head is not None
    return Page((), head.tail, head.tail, head.generation, head.closed)
