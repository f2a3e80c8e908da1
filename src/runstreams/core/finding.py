"""The streams of a run, those that are there and those that come, until it is completed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Container
from contextlib import suppress

from .limits import DAY_MS, LIST_MAX, POLL_FIRST_SECONDS, Limits
from .model import Head, StreamId, UnixMs
from .ports import Clock, Store
from .retention import is_expired
from .runs import RunBook
from .waiting import Watches, poll_pause


class Finder:
    """Finds a run's streams."""

    def __init__(
        self, store: Store, watches: Watches, runs: RunBook, limits: Limits, clock: Clock, run: str
    ) -> None:
        self._store = store
        self._watches = watches
        self._runs = runs
        self._limits = limits
        self._clock = clock
        self._run = run
        self._news = asyncio.Event()
        self.leased_until: UnixMs | None = None
        """Until when somebody has promised to be heard of for the run as such, as was last seen."""

    def look_again(self) -> None:
        """Look now, since it may be worth it."""
        self._news.set()

    async def keys(self, known: Container[str]) -> list[str]:
        """Return the keys of the run's streams that are not *known*, in their order."""
        found, after = list[str](), None
        while listed := await self._store.heads.streams(self._run, LIST_MAX, after, bare=True):
            after = listed[-1][0]
            for key, head in listed:
                if key not in known and not await self._is_gone(key, head):
                    found.append(key)
            if len(listed) < LIST_MAX:
                break
        return found

    async def _is_gone(self, key: str, bare: Head) -> bool:
        """Say whether a stream is deleted or forgotten whose *bare* head was listed: its newest
        chunk may be younger than the clock of its last writer said, and then only the whole head
        tells.
        """
        now = self._clock()
        if bare.is_buried:
            return True
        if not is_expired(bare, now, self._limits):
            return False
        if bare.sealed == bare.tail or bare.expires + DAY_MS <= now:
            return True
        stream = StreamId(self._run, key)
        head = await self._store.heads.get(stream, since=bare.tail - 1)
        return head is None or is_expired(head, now, self._limits)

    async def is_completed(self) -> bool:
        """Say whether the run gets no more streams."""
        run = await self._runs.get(self._run)
        self.leased_until = run.leased_until if run else None
        return run is not None and run.completed is not None

    async def arriving(
        self, known: Container[str], is_idle: Callable[[], bool]
    ) -> AsyncGenerator[list[str], None]:
        """Yield keys that are not *known* as their streams come, until the run is completed, which
        is looked at only while *is_idle*.
        """
        time = asyncio.get_running_loop().time
        with self._watches.arrivals(self._run, self._news):
            found_at = time()
            while True:
                self._news.clear()
                # In this order: no stream comes after the completion.
                is_over = is_idle() and await self.is_completed()
                if keys := await self.keys(known):
                    found_at = time()
                    yield keys
                elif is_over:
                    return
                await self._pause(time() - found_at)

    async def _pause(self, quiet: float) -> None:
        """Wait until it is time to look again: a listing costs more than a look at a head."""
        await asyncio.sleep(POLL_FIRST_SECONDS)
        limit = None if self._watches.notices else poll_pause(quiet, POLL_FIRST_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._news.wait()
