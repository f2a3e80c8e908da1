"""No server in between: the same core, in this process, on the store itself."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from ...core.errors import no_such
from ...core.fencing import fence_number
from ...core.following import End, Tick
from ...core.joint import Alive, Item
from ...core.json_lines import check_chunk, decode, plain_chunks
from ...core.leasing import Claim, leased_until
from ...core.limits import LIST_MAX
from ...core.log import Log
from ...core.model import (
    Batch,
    Closed,
    Head,
    Page,
    RunInfo,
    RunPage,
    RunStatus,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from ...core.position import id_prefix
from ...core.reading import NO_POINTERS
from ...core.runs import place_of
from ..records import Chunk, ChunkPage, Receipt, RunItem, RunItems, Sharing, SignOfLife, TakenOver


class DirectTransport:
    """Does on a log what the HTTP API does."""

    def __init__(self, log: Log, linger_ms: int | None = None) -> None:
        """Advise writers to gather chunks for *linger_ms*."""
        self._log = log
        self._linger = None if linger_ms is None else linger_ms / 1000

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
        chunks = client, number, body, lease or 0, fence, supersedes
        receipt = await self._append(stream, *chunks) if body else None
        if lease is None or (lease and receipt):
            assert receipt is not None
            return receipt
        head = await self._settle(stream, client, lease, fence)
        until = leased_until(head) if head else None
        if receipt is not None:
            return receipt._replace(leased_until=until)
        if head is None:
            return Receipt(None, 0, False)
        return Receipt(None, head.tail, head.stop, until, fence=fence_number(head))

    async def _settle(
        self, stream: StreamId, client: str, lease: int, fence: int | None
    ) -> Head | None:
        if lease:
            return await self._log.hold(stream, client, lease * 1000, fence)
        return await self._log.release(stream, client, fence)

    async def _append(
        self,
        stream: StreamId,
        client: str,
        number: int,
        body: bytes,
        lease: int,
        fence: int | None,
        supersedes: int | None,
    ) -> Receipt:
        lines = body.split(b"\n")
        chunks = plain_chunks(lines)
        if chunks is None:
            chunks = [check_chunk(line) for line in lines if line]
        joined = b"".join(chunk + b"\n" for chunk in chunks)
        said = None, lease * 1000, fence, supersedes
        batch = Batch(joined, len(chunks), self._log.clock(), client, number, *said)
        done = await self._log.append(stream, batch)
        until = done.leased_until
        return Receipt(done.last, done.tail, done.stop, until, self._linger, done.fence)

    async def take_over(self, stream: StreamId, client: str, lease: int) -> TakenOver:
        head = await self._log.take_over(stream, client, lease * 1000)
        return TakenOver(fence_number(head), head.tail)

    async def page(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None = None,
    ) -> ChunkPage:
        return _decoded(await self._log.read(stream, start, most=limit, seconds=wait))

    async def tail(self, stream: StreamId) -> int:
        head = await self._log.head(stream, since=NO_POINTERS)
        return head.tail if head is not None else 0

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | SignOfLife, None]:
        follower = await self._log.follow(stream, start, silence=silence)
        async with aclosing(follower.events()) as events:
            async for event in events:
                yield _decoded(event) if isinstance(event, Page) else _alive(event)

    async def page_run(
        self, run: str, wanted: Mapping[str, int | None], wait: float, limit: int
    ) -> RunItems:
        found = await self._log.read_run(run, wanted, everything=True, most=limit, seconds=wait)
        return RunItems(list(map(_item, found.items)), found.over, found.leased_until)

    async def follow_run(
        self, run: str, wanted: Mapping[str, int | None], silence: float
    ) -> AsyncGenerator[RunItems, None]:
        joint = self._log.follow_run(run, wanted, everything=True, silence=silence)
        async with aclosing(joint.items()) as items:
            async for each in items:
                yield _run_items(each)
        yield RunItems([], joint.end is End.CLOSED)

    async def close(
        self, stream: StreamId, status: Status, error: str | None, fence: int | None = None
    ) -> Closed:
        head = await self._log.close(stream, Closed(status, error), fence)
        assert head.closed is not None
        return head.closed

    async def stop(self, stream: StreamId) -> None:
        await self._log.ask_stop(stream)

    async def describe(self, stream: StreamId) -> StreamInfo:
        found = await self._log.describe(stream)
        if found is None:
            raise no_such("stream")
        return found

    async def delete(self, stream: StreamId) -> bool:
        return await self._log.delete(stream)

    async def streams(self, run: str, after: str | None) -> StreamPage:
        return await self._log.stream_page(run, LIST_MAX, after)

    async def runs(self, limit: int, after: str | None, status: RunStatus | None = None) -> RunPage:
        place = None if after is None else place_of(after)
        return await self._log.runs.page(limit, place, status)

    async def describe_run(self, run: str) -> RunInfo:
        found = await self._log.runs.get(run)
        if found is None:
            raise no_such("run")
        return found

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        return await self._log.runs.register(run, parent, root, claim)

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        return await self._log.complete_run(run, status, error)

    async def delete_run(self, run: str) -> int:
        return await self._log.delete_run(run)

    async def aclose(self) -> None:
        await self._log.aclose()


def _run_items(item: Item | Alive) -> RunItems:
    """Return what *item* tells; nothing but of a lease for a sign of life."""
    if isinstance(item, Alive):
        return RunItems([], leased_until=item.leased_until)
    if isinstance(item.what, Tick):
        return RunItems([], leased_until=_alive(item.what).leased_until)
    leased = item.what.leased_until if isinstance(item.what, Page) else None
    return RunItems([_item(item)], leased_until=leased)


def _item(item: Item) -> RunItem:
    """Return *item*, which is no sign of life, with its chunks decoded."""
    assert not isinstance(item.what, Tick)
    return RunItem(item.key, _decoded(item.what) if isinstance(item.what, Page) else item.what)


def _decoded(page: Page) -> ChunkPage:
    prefix = id_prefix(page.generation)
    chunks: list[Chunk[object]] = [
        Chunk(index, decode(bytes(data)), f"{prefix}{index}", timestamp)
        for index, timestamp, data in page.chunks
    ]
    told = page.closed, page.leased_until, page.superseded
    return ChunkPage(chunks, page.next_index, page.tail, *told, generation=page.generation or None)


def _alive(tick: Tick) -> SignOfLife:
    return SignOfLife(leased_until(tick.head) if tick.head else None)
