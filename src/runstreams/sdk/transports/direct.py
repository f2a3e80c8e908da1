"""No server in between: the same core, in this process, on the store itself."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...core.errors import NotThere
from ...core.json_lines import check_chunk, decode, plain_chunks
from ...core.limits import LIST_MAX
from ...core.log import NO_POINTERS, Log
from ...core.model import (
    Batch,
    Closed,
    Page,
    RunInfo,
    RunPage,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from ...core.runs import place_of
from ..records import Chunk, ChunkPage, Receipt


class DirectTransport:
    """Does on a log what the HTTP API does."""

    def __init__(self, log: Log, linger_ms: int | None = None) -> None:
        """Advise writers to gather chunks for *linger_ms*."""
        self._log = log
        self._linger = None if linger_ms is None else linger_ms / 1000

    async def append(self, stream: StreamId, client: str, number: int, body: bytes) -> Receipt:
        lines = body.split(b"\n")
        chunks = plain_chunks(lines)
        if chunks is None:
            chunks = [check_chunk(line) for line in lines if line]
        joined = b"".join(chunk + b"\n" for chunk in chunks)
        batch = Batch(joined, len(chunks), self._log.clock(), client, number)
        done = await self._log.append(stream, batch)
        return Receipt(done.last, done.tail, done.stop, self._linger)

    async def page(self, stream: StreamId, start: int | None, wait: float, limit: int) -> ChunkPage:
        return _decoded(await self._log.read(stream, start, most=limit, seconds=wait))

    async def tail(self, stream: StreamId) -> int:
        head = await self._log.head(stream, since=NO_POINTERS)
        return head.tail if head is not None else 0

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | None, None]:
        follower = await self._log.follow(stream, start, silence=silence)
        async with aclosing(follower.events()) as events:
            async for event in events:
                yield _decoded(event) if isinstance(event, Page) else None

    async def close(self, stream: StreamId, status: Status, error: str | None) -> Closed:
        head = await self._log.close(stream, Closed(status, error))
        assert head.closed is not None
        return head.closed

    async def stop(self, stream: StreamId) -> None:
        await self._log.ask_stop(stream)

    async def describe(self, stream: StreamId) -> StreamInfo:
        found = await self._log.describe(stream)
        if found is None:
            raise NotThere("there is no such stream")
        return found

    async def delete(self, stream: StreamId) -> bool:
        return await self._log.delete(stream)

    async def streams(self, run: str, after: str | None) -> StreamPage:
        return await self._log.stream_page(run, LIST_MAX, after)

    async def runs(self, limit: int, after: str | None) -> RunPage:
        return await self._log.runs.page(limit, None if after is None else place_of(after))

    async def register(self, run: str, parent: str | None, root: str | None) -> RunInfo:
        return await self._log.runs.register(run, parent, root)

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        return await self._log.complete_run(run, status, error)

    async def delete_run(self, run: str) -> int:
        return await self._log.delete_run(run)

    async def aclose(self) -> None:
        await self._log.aclose()


def _decoded(page: Page) -> ChunkPage:
    chunks: list[Chunk[object]] = [
        Chunk(index, decode(bytes(data)), f"{page.generation}-{index}", timestamp)
        for index, timestamp, data in page.chunks
    ]
    return ChunkPage(chunks, page.next_index, page.tail, page.closed)
