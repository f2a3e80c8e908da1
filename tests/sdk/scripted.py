"""A way to streams that fails when a test says so, and keeps a record; and an engine without a
thread, for tests in virtual time.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from itertools import count
from typing import Any, TypeVar

from runstreams.core.errors import NoEventStream
from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.model import Closed, Status, StreamId
from runstreams.errors import RunstreamsError
from runstreams.sdk.errors import Unreachable
from runstreams.sdk.explaining import Doing
from runstreams.sdk.records import ChunkPage, Receipt, RunItems, Sharing, SignOfLife
from runstreams.sdk.retrying import Patience, Retries
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.stores.memory import MemoryStore
from tests.virtual_time import clock

T = TypeVar("T")

STREAM = StreamId("run_1", "words")

LOST = "the answer was lost"
"""Fault of a request that was carried out all the same."""

Fault = RunstreamsError | str | None


def memory_log(now: Callable[[], int] = clock) -> Log:
    ids = count()
    new_id = lambda: f"{next(ids):016x}" * 2  # noqa: E731
    return Log(MemoryStore(new_id), limits=Limits(), clock=now, new_id=new_id, background=False)


class Scripted(DirectTransport):
    """The streams of a log in memory; each call takes *seconds*, and meets the next fault."""

    def __init__(self, log: Log | None = None, seconds: float = 0.02) -> None:
        self.log = log or memory_log()
        super().__init__(self.log)
        self.seconds = seconds
        self.faults: dict[str, list[Fault]] = {}
        self.appends: list[tuple[int, bytes]] = []
        self.promises: list[int | None] = []
        """What appends have said of leases."""
        self.times: list[float] = []
        """When appends were asked for."""
        self.asked: list[int | None] = []
        """Where pages began."""
        self.followed: list[int] = []
        """Where event streams began."""
        self.asked_of_run: list[dict[str, int | None]] = []
        """Where pages of all streams of a run began."""
        self.followed_of_run: list[dict[str, int | None]] = []
        """Where event streams of them began."""
        self.events = False
        """Whether there are event streams."""
        self.on_events: Callable[[], None] = lambda: None
        """Called when an event stream is open."""
        self.kept_events: list[ChunkPage | RunstreamsError | SignOfLife] | None = None
        """What something in between answers for each event stream."""
        self.kept_page: ChunkPage | RunstreamsError | None = None
        """What something in between answers at once, however long it should wait."""
        self.shared: list[tuple[int | None, Sharing]] | None = None
        """Which pages were asked for as others do; None: no cache gives them to many."""
        self.kept_first: ChunkPage | None = None
        """What something in between answers to who asks for the beginning."""

    def fail(self, what: str, *faults: Fault) -> None:
        """Let the next calls of *what* meet *faults*."""
        self.faults.setdefault(what, []).extend(faults)

    async def _do(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        fault = self.faults[what].pop(0) if self.faults.get(what) else None
        await asyncio.sleep(self.seconds)
        if isinstance(fault, RunstreamsError):
            raise fault
        done = await work()
        if fault is LOST:
            raise Unreachable(LOST)
        return done

    async def append(
        self,
        stream: StreamId,
        client: str,
        number: int,
        body: bytes,
        lease: int | None = None,
        fence: int | None = None,
        supersedes: int | None = None,
    ) -> Receipt:
        if body:
            self.appends.append((number, body))
        self.promises.append(lease)
        self.times.append(asyncio.get_running_loop().time())
        append = super().append
        said = client, number, body, lease, fence, supersedes
        return await self._do("append", lambda: append(stream, *said))

    async def page(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None = None,
    ) -> ChunkPage:
        self.asked.append(start)
        if self.shared is not None:
            share = self._share
            return await self._do("page", lambda: share(stream, start, wait, limit, sharing))
        page = super().page
        if start is None and self.kept_first is not None:
            await asyncio.sleep(self.seconds)
            return self.kept_first
        if self.kept_page is not None:
            return await self._do("page", self._kept_page)
        return await self._do("page", lambda: page(stream, start, wait, limit))

    async def _share(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None,
    ) -> ChunkPage:
        """Answer as a server does behind a cache: of what more follows, only that."""
        assert self.shared is not None
        page = await super().page(stream, start, wait, limit)
        if sharing is None:
            return page._replace(is_shared=True)
        self.shared.append((start, sharing))
        cursor = None if page.chunks else (sharing.cursor or 100) + 1
        return page._replace(tail=min(page.tail, page.next_index + 1), cursor=cursor)

    async def _kept_page(self) -> ChunkPage:
        if isinstance(self.kept_page, RunstreamsError):
            raise self.kept_page
        assert self.kept_page is not None
        return self.kept_page

    async def close(
        self, stream: StreamId, status: Status, error: str | None, fence: int | None = None
    ) -> Closed:
        close = super().close
        return await self._do("close", lambda: close(stream, status, error, fence))

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | SignOfLife, None]:
        self.followed.append(start)
        if not self.events:
            raise NoEventStream("none here", url=None)
        if self.kept_events is not None:
            await asyncio.sleep(self.seconds)
            for event in self.kept_events:
                if isinstance(event, RunstreamsError):
                    raise event
                yield event
            return
        yield SignOfLife()
        self.on_events()
        self._meet("events")
        async with aclosing(super().follow(stream, start, silence)) as pages:
            async for page in pages:
                yield page
                self._meet("events")

    async def page_run(
        self, run: str, wanted: Mapping[str, int | None], wait: float, limit: int
    ) -> RunItems:
        self.asked_of_run.append(dict(wanted))
        page = super().page_run
        return await self._do("page", lambda: page(run, wanted, wait, limit))

    async def follow_run(
        self, run: str, wanted: Mapping[str, int | None], silence: float
    ) -> AsyncGenerator[RunItems, None]:
        self.followed_of_run.append(dict(wanted))
        if not self.events:
            raise NoEventStream("none here", url=None)
        self._meet("events")
        async with aclosing(super().follow_run(run, wanted, silence)) as events:
            async for found in events:
                yield found
                self._meet("events")

    def _meet(self, what: str) -> None:
        fault = self.faults[what].pop(0) if self.faults.get(what) else None
        if isinstance(fault, RunstreamsError):
            raise fault

    async def written(self, stream: StreamId = STREAM) -> list[object]:
        """Return what is in a stream."""
        return [chunk.data for chunk in (await super().page(stream, None, 0, 10_000)).chunks]


class Bench:
    """What an engine gives to those who work in it, in the running loop."""

    def __init__(self, transport: Scripted, retries: Retries | None = None) -> None:
        self.transport = transport
        self.retries = retries or Retries()

    def patience(self, doing: Doing) -> Patience:
        return Patience(self.retries, lambda: 0.0, doing)

    async def persist(self, attempt: Callable[[Scripted], Awaitable[T]], patience: Patience) -> T:
        while True:
            try:
                return await attempt(self.transport)
            except RunstreamsError as error:
                await asyncio.sleep(patience.after(error))

    def spawn(self, work: Any, over: Callable[[], None]) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: over())
        return task


def lines(values: Iterable[object]) -> list[bytes]:
    return [b"%d\n" % value for value in values]  # type: ignore[str-bytes-safe]
