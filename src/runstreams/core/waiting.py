"""Waiting for the next chunk: one watch per stream and process, however many readers wait.

A commit in this process wakes its stream's readers at once. What other processes commit is noticed
by a cheap change check where the store has one, and by polling the head, soon after activity and
backing off when quiet, where not.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from .errors import Busy, Uncertain
from .leasing import is_lost
from .limits import POLL_LAST_SECONDS
from .model import Head, StreamId
from .observing import Observer
from .ports import Clock
from .position import generation_of
from .reading import Lookup

CHANGE_CHECK_SECONDS = 0.02
"""How often other processes' commits are looked for where that is nearly free; a fiftieth of a
second is not noticed.
"""

_CROWD = 128
"""So many readers at most are served before the writers whose chunks they waited for are answered.
Each takes some 30 µs, and each of those writers would wait for them all.
"""

_LEASE_CHECKS = 50
"""Each so-manieth change check, once a second, looks whose producer is lost."""


def poll_pause(quiet: float, shortest: float) -> float:
    """Return the seconds to pause when nothing has come for *quiet* seconds: a tenth of them, at
    least the *shortest* pause, and never more than a second.

    So news are never later than a tenth of the silence before them, and a 20 s poll of a quiet
    stream costs 20 reads.
    """
    return min(max(shortest, quiet / 10), POLL_LAST_SECONDS)


class _Watch:
    """The readers waiting on one stream, each for as long as its block lasts, and the newest head
    known while they do.
    """

    def __init__(self, head: Head | None, abandon: Callable[[], object]) -> None:
        """Have the last reader *abandon* it."""
        self.head = head
        self.told = 0
        """How often something was told of the stream."""
        self.is_seamless = False
        """Whether nothing is missed between a look before this watch and what it is told."""
        self.poller: asyncio.Task[None] | None = None
        self._readers = 0
        self._abandon = abandon
        self._waiting: dict[asyncio.Future[None], None] = {}
        """In the order in which they came, which is that in which they wake."""

    def __enter__(self) -> Self:
        self._readers += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if not self._readers:
            self._abandon()
            if self.poller:
                self.poller.cancel()

    def doubt(self) -> None:
        """Have each reader look for itself."""
        self.is_seamless = False
        self.tell(self.head)

    def tell(self, head: Head | None) -> int:
        """Wake all who wait. Return how many those are."""
        self.head = head
        self.told += 1
        for reader in self._waiting:
            _wake(reader)
        return len(self._waiting)

    async def more(self, told: int, deadline: float) -> bool:
        """Wait until more is told than what was *told* before; return whether that was so by the
        loop's *deadline*.
        """
        if self.told == told:
            loop = asyncio.get_running_loop()
            reader = loop.create_future()
            timer = loop.call_at(deadline, _wake, reader)
            self._waiting[reader] = None
            try:
                await reader
            finally:
                timer.cancel()
                del self._waiting[reader]
        return self.told != told


class Watches:
    """Wakes readers when their stream moves on."""

    def __init__(self, lookup: Lookup, clock: Clock, observer: Observer) -> None:
        self._lookup = lookup
        self._changes = lookup.store.changes
        self._clock = clock
        self._observer = observer
        self._watches: dict[StreamId, _Watch] = {}
        self._arrivals: dict[str, set[asyncio.Event]] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self._woken = 0

    def nudge(self) -> None:
        """Look for other processes' commits now: one of them has told that it committed."""
        self._nudged.set()

    def tell(self, stream: StreamId, head: Head | None) -> None:
        """Wake the readers of *stream*: this process has just brought it to *head* (None:
        deleted).
        """
        if head is not None and head.is_buried:
            head = None  # deleted since what brought it there
        watch = self._watches.get(stream)
        if watch is None or watch.head is None:
            self.tell_of_run(stream.run)
        if watch is not None:
            self._count_woken(watch.tell(head))

    def _count_woken(self, readers: int) -> None:
        """Count those who are woken in one turn of the loop, whatever they read: a transaction
        commits what was appended to many streams, and wakes the readers of all.
        """
        if readers and not self._woken:
            asyncio.get_running_loop().call_soon(self._forget_woken)
        self._woken += readers

    def _forget_woken(self) -> None:
        self._woken = 0

    async def let_readers_go_first(self) -> None:
        """Return when the readers who were just woken have what is at hand for them, unless they
        are a crowd.
        """
        if 0 < self._woken <= _CROWD:
            await asyncio.sleep(0)

    def tell_of_run(self, run: str) -> None:
        """Wake whoever waits for streams of *run* that were not there before."""
        for news in self._arrivals.get(run, ()):
            news.set()

    @contextmanager
    def arrivals(self, run: str, news: asyncio.Event) -> Iterator[None]:
        """Set *news* whenever *run* may have another stream, or be completed, as far as that is
        noticed here without asking.
        """
        self._arrivals.setdefault(run, set()).add(news)
        if self._changes is not None:
            self._start_ticking()
        try:
            yield
        finally:
            self._arrivals[run].discard(news)
            if not self._arrivals[run]:
                del self._arrivals[run]

    @property
    def notices(self) -> bool:
        """Whether what other processes commit is noticed without asking for it."""
        return self._changes is not None

    async def beyond(
        self, stream: StreamId, seen: Head | None, index: int, seconds: float
    ) -> Head | None:
        """Wait until chunk *index* exists or the stream is closed or starts anew, at most
        *seconds*; return the head.

        *seen* is the head that the caller knows; a tail below its tail is never returned for the
        same generation.
        """
        if _is_news(seen, seen, index) or seconds <= 0:
            return seen
        with self._observer.waiting(), self.watching(stream, seen) as watch:
            deadline = asyncio.get_running_loop().time() + seconds
            told, head = watch.told, _newest(seen, watch.head)
            if not watch.is_seamless or generation_of(head) != generation_of(seen):
                # Something may have happened between the caller's look and this watch, or may
                # happen during this look; what was *told* before it tells of the latter.
                head = await self._look_now(stream, seen, index, watch)
            while not _is_news(seen, head, index):
                if not await watch.more(told, deadline):
                    return head
                told, head = watch.told, _newest(head, watch.head)
                if generation_of(head) != generation_of(seen) or not watch.is_seamless:
                    # A late answer may tell of the stream that was before the one we know, or of
                    # one that we know to be gone.
                    head = await self._look_now(stream, seen, index, watch)
            return head

    async def _look_now(
        self, stream: StreamId, seen: Head | None, index: int, watch: _Watch
    ) -> Head | None:
        """Return the head as it is, whatever *watch* says: it may still hold a stream that the
        caller knows to be gone.
        """
        if self._changes is not None:
            self._start_ticking()
        head = _newest(seen, await self._look(stream, since=index))
        if generation_of(head) != generation_of(watch.head):
            watch.head = head
        else:
            watch.head = _newest(watch.head, head)
        watch.is_seamless = True
        return head

    def watching(self, stream: StreamId, seen: Head | None) -> _Watch:
        """Watch *stream*, of which *seen* is known, for as long as a block lasts, so that no commit
        of this process is missed between one wait and the next.
        """
        return self._watches.get(stream) or self._begin(stream, seen)

    def _begin(self, stream: StreamId, seen: Head | None) -> _Watch:
        watch = _Watch(seen, lambda: self._watches.pop(stream))
        self._watches[stream] = watch
        if self._changes is None:
            watch.is_seamless = True  # the next poll tells
            watch.poller = asyncio.create_task(self._poll(stream, watch))
        return watch

    def _start_ticking(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick_safely())

    async def _look(self, stream: StreamId, *, strong: bool = True, since: int) -> Head | None:
        self._observer.looked()
        return await self._lookup.head(stream, strong=strong, since=since)

    async def _poll(self, stream: StreamId, watch: _Watch) -> None:
        """Poll one head until nobody waits any more."""
        started, shortest = self._clock(), self._lookup.limits.poll_ms / 1000
        while True:
            last_news = watch.head.appended or watch.head.created if watch.head else started
            await asyncio.sleep(poll_pause((self._clock() - last_news) / 1000, shortest))
            since = watch.head.tail if watch.head else 0
            try:
                head = await self._look(stream, strong=False, since=since)
                if generation_of(head) != generation_of(watch.head):
                    # An eventually consistent read may show the stream before the one we know.
                    head = await self._look(stream, since=0)
                watch.tell(head)
            except (Busy, Uncertain):
                continue
            except Exception:
                watch.doubt()  # readers find out why

    async def _tick_safely(self) -> None:
        """Look for other processes' commits while anybody waits; where that fails, readers find out
        why.
        """
        while self._watches or self._arrivals:
            try:
                await self._tick()
            except Exception:
                for watch in list(self._watches.values()):
                    watch.doubt()
                await asyncio.sleep(POLL_LAST_SECONDS)

    async def _tick(self) -> None:
        """Look for other processes' commits while anybody waits."""
        changes, missed, tick = self._changes, False, 0
        assert changes is not None
        now = asyncio.get_running_loop().time
        began = now()
        while self._watches or self._arrivals:
            await self._next_check(now() - began)
            began = now()
            tick += 1
            changed = changes() or missed
            if not changed and tick % _LEASE_CHECKS:
                continue
            missed = False
            if changed:
                self._tell_of_all_runs()
            for stream, watch in list(self._watches.items()):
                if not changed and not self._is_lost(watch.head):
                    continue
                since = watch.head.tail if watch.head else 0
                try:
                    watch.tell(await self._look(stream, since=since))
                except (Busy, Uncertain):
                    missed = True  # no change will be reported again for what has not been seen

    async def _next_check(self, took: float) -> None:
        """Wait for a nudge, or else until it is time to look, but for as long as the last look
        *took*: whoever is nudged without end has half of its time for others.
        """
        await asyncio.sleep(min(took, CHANGE_CHECK_SECONDS))
        with suppress(TimeoutError):
            async with asyncio.timeout(CHANGE_CHECK_SECONDS):
                await self._nudged.wait()
        self._nudged.clear()

    def _tell_of_all_runs(self) -> None:
        for run in self._arrivals:
            self.tell_of_run(run)

    def _is_lost(self, head: Head | None) -> bool:
        return head is not None and is_lost(head, self._clock())

    async def aclose(self) -> None:
        """Stop watching."""
        tasks = [watch.poller for watch in self._watches.values() if watch.poller]
        for task in [*tasks, self._ticker]:
            if task:
                task.cancel()


def _wake(reader: "asyncio.Future[None]") -> None:
    if not reader.done():
        reader.set_result(None)


def _is_news(seen: Head | None, head: Head | None, index: int) -> bool:
    if head is None:
        return False
    if seen is not None and head.generation != seen.generation:
        return True
    return head.tail > index or head.closed is not None


def _newest(known: Head | None, found: Head | None) -> Head | None:
    """Return *found* unless it is an older state of the same stream."""
    if known is None or found is None:
        return found or known
    if known.generation != found.generation:
        return found
    return found if (found.tail, found.sealed) >= (known.tail, known.sealed) else known
