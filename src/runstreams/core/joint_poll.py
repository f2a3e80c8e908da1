"""A long poll of several streams of a run: what there is of each, or else what comes first."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from itertools import islice
from typing import NamedTuple

from .errors import RunstreamsError
from .finding import Finder
from .joint import Index, Item
from .limits import FOLLOWED_STREAMS, PAGE_BYTES, TICK_SECONDS
from .model import Page, UnixMs
from .reading import CHUNK_OVERHEAD

_READ_AT_ONCE = 4
"""Pages read side by side: each may hold a stretch of a segment in memory meanwhile."""

Read = Callable[[str, int, int, float], Awaitable[Page]]
"""Reads a page of the stream of a key: from an index, up to a size, waiting for some seconds."""


class Gathered(NamedTuple):
    """The answer to a long poll of several streams."""

    items: list[Item]
    """Pages with chunks or with an end, and errors."""
    over: bool
    """Whether nothing will come any more: all that is wanted is closed and read."""
    leased_until: UnixMs | None
    """Until when somebody has promised to be heard of, for any of the streams or for the run."""


class JointPoll:
    """One long poll of several streams."""

    def __init__(self, read: Read, wanted: Mapping[str, Index], finder: Finder | None) -> None:
        """Read what is *wanted*, in this order, and by a *finder* all other streams as well."""
        self._read = read
        self._finder = finder
        self._known = dict(wanted)
        self._wanted = {key: index for key, index in wanted.items() if index is not None}
        self._leased_until: UnixMs | None = None
        self._time = asyncio.get_running_loop().time

    async def gather(
        self, seconds: float, presence: AbstractAsyncContextManager[object]
    ) -> Gathered:
        """Return what there is, or what comes within *seconds*, waited for in *presence*; where
        that ends quietly before the wait does, nothing.
        """
        until = self._time() + seconds
        if self._finder is not None:
            self._add(await self._finder.keys(self._known))
        found = await self._judged(await self._there())
        async with presence:
            while not found.items and not found.over:
                if (left := until - self._time()) < TICK_SECONDS:
                    break
                found = await self._judged(await self._coming(left))
        return found

    def _add(self, keys: Sequence[str]) -> None:
        for key in islice(keys, self._room):
            self._known[key] = self._wanted[key] = 0

    @property
    def _room(self) -> int:
        """How many more streams can be read."""
        return max(0, FOLLOWED_STREAMS - len(self._wanted))

    async def _there(self) -> list[Item]:
        """Return what there is already."""
        items, keys = list[Item](), list(self._wanted)
        for at in range(0, len(keys), _READ_AT_ONCE):
            some = (self._item(key, 0) for key in keys[at : at + _READ_AT_ONCE])
            items = _fitting([*items, *await asyncio.gather(*some)])
        return items

    async def _coming(self, seconds: float) -> list[Item]:
        """Return what comes first; nothing when the time is up or other streams have come."""
        reading = [asyncio.create_task(self._item(key, seconds)) for key in self._wanted]
        waiting: list[asyncio.Task[Item] | asyncio.Task[None]] = [*reading]
        # Where there is no room for what it finds, it would find the same again, and at once.
        if self._finder is not None and self._room:
            waiting.append(asyncio.create_task(self._find(self._finder, seconds)))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        for task in done:
            task.result()  # or what has gone wrong with all of them
        return _fitting(task.result() for task in reading if task in done)

    async def _item(self, key: str, seconds: float) -> Item:
        size = PAGE_BYTES // len(self._wanted)
        try:
            page = await self._read(key, self._wanted[key], size, seconds)
            self._hear_of(page.leased_until)
            return Item(key, page)
        except RunstreamsError as error:
            return Item(key, error)

    def _hear_of(self, leased_until: UnixMs | None) -> None:
        self._leased_until = max(filter(None, (self._leased_until, leased_until)), default=None)

    async def _find(self, finder: Finder, seconds: float) -> None:
        """Wait up to *seconds* for other streams, or the completion of the run."""
        arriving = finder.arriving(self._known, lambda: not self._wanted)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(arriving):
                self._add(await anext(arriving, []))

    async def _judged(self, items: list[Item]) -> Gathered:
        """Return *items*, and whether they are the last."""
        ended = {key for key, what in items if isinstance(what, Page) and what.closed}
        if self._wanted.keys() - ended:
            return Gathered(items, False, self._leased_until)
        finder = self._finder
        if finder is None:
            return Gathered(items, True, self._leased_until)
        is_over = await finder.is_completed() and not await finder.keys(self._known)
        self._hear_of(finder.leased_until)
        return Gathered(items, is_over, self._leased_until)


def _fitting(items: Iterable[Item]) -> list[Item]:
    """Return those of *items* that are news, as far as they fit into one answer: the first ones
    have the right of way.
    """
    fitting, room = list[Item](), PAGE_BYTES
    for key, what in items:
        size = 0
        if isinstance(what, Page):
            if not what.chunks and what.closed is None:
                continue
            size = sum(len(chunk.data) + CHUNK_OVERHEAD for chunk in what.chunks)
        if size <= room or not fitting:
            fitting.append(Item(key, what))
            room -= size
    return fitting
