"""A program of a user, for mypy and pyright to check: what they infer, and what they refuse."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_type

from runstreams import (
    AsyncClient,
    Batching,
    Chunk,
    Client,
    Closed,
    Piped,
    Reader,
    Retries,
    Run,
    RunInfo,
    StreamInfo,
    Timeouts,
    Writer,
    aio,
    auth,
    errors,
    streams,
)
from runstreams.ai import ui_message_chunks
from runstreams.testing import Server, in_memory, serving
from runstreams.transport import (
    ChunkPage,
    Claim,
    NoEventStream,
    Receipt,
    RunItem,
    RunItems,
    RunPage,
    RunStatus,
    Sharing,
    SignOfLife,
    Status,
    StreamId,
    StreamPage,
    TakenOver,
    Transport,
)


@dataclass
class Token:
    text: str


def tokens() -> Iterator[Token]:
    yield Token("a")


async def words() -> AsyncIterator[str]:
    yield "a"


def messages_for_use_chat() -> None:
    assert_type(ui_message_chunks([{}]), Iterator[dict[str, Any]])
    assert_type(ui_message_chunks(words()), AsyncIterator[dict[str, Any]])
    streams.pipe("ui", ui_message_chunks(words()))


def produce() -> None:
    piped = streams.pipe("answer", tokens(), target="run_1", close=True)
    assert_type(piped, Piped[Token])
    for token in piped.stream:
        assert_type(token, Token)
    assert_type(piped.wait_until_complete(timeout=5), int | None)
    assert_type(streams.pipe(["a"]), Piped[str])
    with open("file") as file:
        assert_type(streams.pipe(file), Piped[str])
    assert_type(streams.pipe("words", words()), Piped[str])
    assert_type(streams.append("log", {"step": 1}), int)
    assert_type(streams.append("value"), int)
    with streams.writer("log") as writer:
        assert_type(writer, Writer[Any])
        writer.write("one")
        writer.merge(["two"])
    streams.writer("log", execute=lambda writer: writer.write("one"))
    assert_type(streams.close("log", status="failed", error="why"), Closed)
    streams.stop("run_1")


def consume() -> None:
    assert_type(streams.read("run_1"), Reader[Any])
    for chunk in streams.read("run_1", "answer", start_index="tail", timeout=None, chunks=True):
        assert_type(chunk, Chunk[Any])
        assert_type(chunk.index, int)
    with streams.read("run_1", start_index=-1, strict=False) as reader:
        assert_type(reader.closed, Closed | None)
    assert_type(streams.list("run_1"), list[StreamInfo])
    assert_type(streams.runs(), list[RunInfo])
    assert_type(streams.describe("run_1").tail, int)
    assert_type(streams.delete("run_1"), bool)


def define() -> None:
    answer = streams.define("answer", Token)
    answer.append(Token("a"))
    assert_type(answer.read("run_1"), Reader[Token])
    assert_type(answer.read("run_1", chunks=True), Reader[Chunk[Token]])
    assert_type(answer.pipe(tokens()), Piped[Token])
    assert_type(answer.writer(), Writer[Token])
    answer.append("a")  # type: ignore[arg-type]
    answer.pipe(["a"])  # type: ignore[list-item]
    answer.writer().write(1)  # type: ignore[arg-type]
    assert_type(streams.define("any").read("run_1"), Reader[Any])


@streams.run("run_1")
def job(question: str) -> int:
    return len(question)


@aio.streams.run()
async def async_job(question: str) -> int:
    return len(question)


async def asynchronously() -> None:
    assert_type(job("why"), int)
    assert_type(await async_job("why"), int)
    job(1)  # type: ignore[arg-type]
    async with aio.streams.run("run_1", parent="run_0") as run:
        assert_type(run, Run)
        assert_type(run.root, str | None)
    piped = aio.streams.pipe("answer", words())
    assert_type(piped, aio.Piped[str])
    assert_type([word async for word in piped.stream], list[str])
    assert_type(await piped.wait_until_complete(), int | None)
    assert_type(await aio.streams.append("log", 1), int)
    async with aio.streams.writer() as writer:
        await writer.write("one")
        writer.write("two")
        await writer.drain()
    answer = aio.streams.define("answer", Token)
    async for token in answer.read("run_1"):
        assert_type(token, Token)
    async with aio.streams.read("run_1", chunks=True) as reader:
        assert_type(await anext(reader), Chunk[Any])
    assert_type(await aio.streams.list("run_1"), list[StreamInfo])


def refused() -> None:
    streams.pipe("key", 1)  # type: ignore[call-overload]
    streams.close(status="over")  # type: ignore[arg-type]
    streams.read("run_1", start_index="now")  # type: ignore[call-overload]
    Client(token=1)  # type: ignore[arg-type]


async def configured(fetch: "Fetch") -> None:
    with Client("http://localhost", "sk", batching=Batching(linger=0.2)) as client:
        assert_type(client.streams.append("x"), int)
    Client("http://localhost", lambda: "sk", timeouts=Timeouts(connect=1), retries=Retries(3))
    async with AsyncClient(token=fetch.token) as async_client:
        assert_type(await async_client.streams.append("x"), int)
    Client.direct(bucket="b", table="t")
    assert_type(auth.create_public_token(read=["run_1"], expires_in="1h"), str)


class Fetch:
    async def token(self) -> str:
        return "sk"


def tested() -> None:
    with in_memory() as client, serving() as server:
        assert_type(client, Client)
        assert_type(server, Server)
        assert_type(server.environ(), dict[str, str])


def caught() -> None:
    try:
        streams.append("x")
    except errors.StreamClosed as error:
        assert_type(error.code, str)
        assert_type(error.tail, int)
        assert_type(error.facts["tail"], str | int | None)


class Elsewhere:
    """A way of the user's own: whatever it is asked with and answers can be named."""

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
        return Receipt(last_index=number, tail=number + 1, stop=False)

    async def page(
        self,
        stream: StreamId,
        start: int | None,
        wait: float,
        limit: int,
        sharing: Sharing | None = None,
    ) -> ChunkPage:
        return ChunkPage([Chunk[object](0, "a", "g-0", 1)], next_index=1, tail=1)

    async def tail(self, stream: StreamId) -> int:
        return 1

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | SignOfLife, None]:
        yield SignOfLife()
        yield await self.page(stream, start, silence, 1)

    async def page_run(
        self, run: str, wanted: Mapping[str, int | None], wait: float, limit: int
    ) -> RunItems:
        page = await self.page(StreamId(run, "key"), 0, wait, limit)
        return RunItems([RunItem("key", page)], over=True)

    def follow_run(
        self, run: str, wanted: Mapping[str, int | None], silence: float
    ) -> AsyncGenerator[RunItems, None]:
        raise NoEventStream("it has none", url=None)

    async def take_over(self, stream: StreamId, client: str, lease: int) -> TakenOver:
        return TakenOver(fence=1, tail=0)

    async def close(
        self, stream: StreamId, status: Status, error: str | None, fence: int | None = None
    ) -> Closed:
        return Closed(status, error)

    async def stop(self, stream: StreamId) -> None: ...

    async def describe(self, stream: StreamId) -> StreamInfo:
        raise errors.NotThere("there is no such stream")

    async def delete(self, stream: StreamId) -> bool:
        return False

    async def streams(self, run: str, after: str | None) -> StreamPage:
        return StreamPage([], None)

    async def runs(self, limit: int, after: str | None, status: RunStatus | None = None) -> RunPage:
        return RunPage([], None)

    async def describe_run(self, run: str) -> RunInfo:
        return RunInfo(run, created=0, expires=1)

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        return RunInfo(run, 0, 1, parent, root)

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        return await self.describe_run(run)

    async def delete_run(self, run: str) -> int:
        return 0

    async def aclose(self) -> None: ...


def another_way() -> Transport:
    Client(transport=Elsewhere)
    return Elsewhere()
