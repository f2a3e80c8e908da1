"""A program of a user, for mypy and pyright to check: what they infer, and what they refuse."""

from collections.abc import AsyncIterator, Iterator
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
        assert_type(run.root_id, str | None)
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
