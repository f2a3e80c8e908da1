"""No server in between: the same core, in this process, on the store itself."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...core import model as core
from ...core.errors import NotThere
from ...core.json_lines import check_chunk, decode, plain_chunks
from ...core.limits import LIST_MAX
from ...core.log import NO_POINTERS, Description, Log
from ...core.model import Batch, Closed, Run, Status, StreamId
from ..records import Ended, Page, Part, Receipt, RunInfo, StreamInfo


class DirectTransport:
    """Does on a log what the HTTP API does."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append(self, stream: StreamId, client: str, number: int, body: bytes) -> Receipt:
        lines = body.split(b"\n")
        chunks = plain_chunks(lines)
        if chunks is None:
            chunks = [check_chunk(line) for line in lines if line]
        joined = b"".join(chunk + b"\n" for chunk in chunks)
        batch = Batch(joined, len(chunks), self._log.clock(), client, number)
        done = await self._log.append(stream, batch)
        return Receipt(done.last, done.tail, done.stop)

    async def page(self, stream: StreamId, start: int | None, wait: float, limit: int) -> Page:
        return _page(await self._log.read(stream, start, most=limit, seconds=wait))

    async def tail(self, stream: StreamId) -> int:
        head = await self._log.head(stream, since=NO_POINTERS)
        return head.tail if head is not None else 0

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[Page | None, None]:
        follower = await self._log.follow(stream, start, silence=silence)
        async with aclosing(follower.events()) as events:
            async for event in events:
                yield _page(event) if isinstance(event, core.Page) else None

    async def close(self, stream: StreamId, status: Status, error: str | None) -> Ended:
        head = await self._log.close(stream, Closed(status, error))
        ended = _ended(head.closed)
        assert ended is not None
        return ended

    async def stop(self, stream: StreamId) -> None:
        await self._log.ask_stop(stream)

    async def describe(self, stream: StreamId) -> StreamInfo:
        found = await self._log.describe(stream)
        if found is None:
            raise NotThere("there is no such stream")
        return _info(stream.run, found)

    async def delete(self, stream: StreamId) -> bool:
        return await self._log.delete(stream)

    async def streams(self, run: str, after: str | None) -> tuple[list[StreamInfo], str | None]:
        found = await self._log.streams(run, LIST_MAX, after)
        more = found[-1].key if len(found) == LIST_MAX else None
        return [_info(run, one) for one in found], more

    async def runs(self, limit: int, after: str | None) -> tuple[list[RunInfo], str | None]:
        found = await self._log.runs.recent(limit, _place(after))
        more = f"{found[-1].created}-{found[-1].id}" if len(found) == limit else None
        return [_run(one) for one in found], more

    async def register(self, run: str, parent: str | None, root: str | None) -> RunInfo:
        return _run(await self._log.runs.register(run, parent, root))

    async def complete(self, run: str) -> RunInfo:
        return _run(await self._log.complete_run(run))

    async def aclose(self) -> None:
        await self._log.aclose()


def _page(page: core.Page) -> Page:
    parts: list[Part[object]] = [
        Part(index, decode(bytes(data)), f"{page.generation}-{index}", timestamp)
        for index, timestamp, data in page.chunks
    ]
    return Page(parts, page.next_index, page.tail, _ended(page.closed))


def _place(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    created, _, run = after.partition("-")
    return int(created), run


def _ended(closed: Closed | None) -> Ended | None:
    return None if closed is None else Ended(closed.status, closed.error)


def _info(run: str, found: Description) -> StreamInfo:
    return StreamInfo(
        run=run,
        key=found.key,
        first_index=found.first_index,
        tail=found.tail,
        bytes=found.size,
        created=found.created,
        updated=found.created if found.appended is None else found.appended,
        last_append=found.appended,
        expires=found.expires,
        closed=_ended(found.closed),
        stop=found.stop,
        writers=found.writers,
    )


def _run(run: Run) -> RunInfo:
    return RunInfo(run.id, run.created, run.expires, run.parent, run.root, run.completed)
