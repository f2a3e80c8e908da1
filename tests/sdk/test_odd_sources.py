"""Sources and writers that give text in halves, sources whose errors cannot be said, and contexts
that give sources.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import repeat
from threading import Event
from typing import Any

import pytest

from runstreams import Client
from runstreams.aio import AsyncClient
from runstreams.errors import InvalidChunk, InvalidSource
from runstreams.testing import Server, in_memory

CUT = [*"ok ", "\ud83d", "\udc4d", *" bye"]
"""As JavaScript cuts it: `"ok 👍 bye".split("")`."""


@pytest.fixture(params=["in memory", "served"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "in memory":
        with in_memory() as client:
            yield client
        return
    server: Server = request.getfixturevalue("runstreams_server")
    with server.client() as client:
        yield client


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    return f"run of {request.node.name}"


def read(client: Client, run: str) -> list[Any]:
    return list(client.streams.read(run, timeout=0, strict=False))


async def asynchronous(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def piped(client: Client, run: str) -> None:
    client.streams.pipe(CUT, target=run).wait_until_complete()


def piped_async(client: Client, run: str) -> None:
    client.streams.pipe(asynchronous(CUT), target=run).wait_until_complete()


def written(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        for piece in CUT:
            writer.write(piece)


def typed(client: Client, run: str) -> None:
    client.streams.define("default", str).pipe(CUT, target=run).wait_until_complete()


@pytest.mark.parametrize("write", [piped, piped_async, written, typed])
def test_the_halves_of_a_character_are_joined(
    client: Client, run: str, write: Callable[[Client, str], None]
) -> None:
    write(client, run)
    assert read(client, run) == [*"ok ", "👍", *" bye"]


def test_halves_that_find_no_other_are_kept(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        writer.merge(["a\ud83d"])
        for value in ("\ud83d", {"half": "\udc4d"}, "\ud83d"):
            writer.write(value)
    client.streams.append("\udc4d", target=run)
    found = read(client, run)
    assert found[-1] == "\udc4d"
    assert sorted(map(str, found[:-1])) == sorted(
        map(str, ["a", "\ud83d", "\ud83d", {"half": "\udc4d"}, "\ud83d"])
    )


@pytest.mark.parametrize("source", [lambda items: items, asynchronous])
def test_bytes_are_decoded_as_one_text(client: Client, run: str, source: Any) -> None:
    client.streams.pipe(source([b"caf\xc3", b"\xa9"]), target=run).wait_until_complete()
    assert read(client, run) == ["caf", "é"]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_what_holds_bytes_is_as_good(client: Client, run: str, kind: Any) -> None:
    pieces = [kind(b"caf\xc3"), kind(b"\xa9")]
    client.streams.pipe(pieces, target=run).wait_until_complete()
    assert read(client, run) == ["caf", "é"]


def test_bytes_that_end_inside_of_a_character_fail_after_what_is_whole(
    client: Client, run: str
) -> None:
    with pytest.raises(InvalidChunk, match="UTF-8"):
        client.streams.pipe([b"fine", b"caf\xc3"], target=run).wait_until_complete()
    assert read(client, run) == ["fine", "caf"]


class Unsayable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def failing() -> Iterator[str]:
    yield "a\ud83d"
    raise Unsayable


async def failing_async() -> AsyncIterator[str]:
    yield "a\ud83d"
    raise Unsayable


@pytest.mark.parametrize("source", [failing, failing_async])
def test_an_error_that_cannot_be_said_fails_the_stream_and_is_the_one_seen(
    client: Client, run: str, source: Any
) -> None:
    with pytest.raises(Unsayable):
        client.streams.pipe(source(), target=run).wait_until_complete()
    assert read(client, run) == ["a", "\ud83d"]
    closed = client.streams.describe(run).closed
    assert closed is not None
    assert (closed.status, closed.error) == ("failed", "Unsayable: <exception str() failed>")


def test_a_run_ends_with_the_error_that_cannot_be_said(client: Client, run: str) -> None:
    piping = client.streams.run(run)
    with pytest.raises(Unsayable), piping:
        client.streams.pipe("key", failing()).wait_until_complete()
    [info] = client.streams.list(run)
    assert info.closed is not None
    assert info.closed.status == "failed"


async def test_async_the_same(run: str) -> None:
    async with AsyncClient(transport=_memory()) as client:
        streams = client.streams
        with pytest.raises(Unsayable):
            await streams.pipe(failing_async(), target=run).wait_until_complete()
        async with streams.writer("other", target=run) as writer:
            for piece in CUT:
                await writer.write(piece)
        assert [chunk async for chunk in streams.read(run, "other", timeout=0)][3] == "👍"


def _memory() -> Any:
    from runstreams.sdk.transports.direct import DirectTransport
    from runstreams.testing.memory import memory_log

    return lambda: DirectTransport(memory_log())


def test_a_stream_is_closed_with_what_can_be_said_of_its_error(client: Client, run: str) -> None:
    ended = client.streams.close(target=run, status="failed", error="half \ud83d")
    assert ended.error == "half ?"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit


def test_an_error_that_ends_whoever_says_it_is_not_lost_either(client: Client, run: str) -> None:
    def source() -> Iterator[str]:
        yield "fine"
        raise Unspeakable

    with pytest.raises(Unspeakable):
        client.streams.pipe(source(), target=run).wait_until_complete(timeout=20)
    closed = client.streams.describe(run).closed
    assert closed is not None
    assert closed.status == "failed"


@contextmanager
def held(left: Event, source: Any) -> Iterator[Any]:
    try:
        yield source
    finally:
        left.set()


@asynccontextmanager
async def held_async(left: Event, source: Any) -> AsyncIterator[Any]:
    with held(left, source):
        yield source if isinstance(source, bool) else asynchronous(source)


@pytest.mark.parametrize("context", [held, held_async])
def test_a_context_that_gives_a_source_is_entered_and_left(
    client: Client, run: str, context: Any
) -> None:
    left = Event()
    client.streams.pipe(context(left, ["a", "b"]), target=run).wait_until_complete()
    assert (read(client, run), left.is_set()) == (["a", "b"], True)


@pytest.mark.parametrize("context", [held, held_async])
def test_a_context_is_left_when_nobody_wants_more(client: Client, run: str, context: Any) -> None:
    left = Event()
    piped = client.streams.pipe("answer", context(left, repeat("a")), target=run)
    assert next(iter(client.streams.read(run, "answer"))) == "a"
    client.streams.stop(run, "answer")
    piped.wait_until_complete()
    assert left.wait(20)


@pytest.mark.parametrize("context", [held, held_async])
def test_a_context_that_gives_no_source_says_so(client: Client, run: str, context: Any) -> None:
    with pytest.raises(InvalidSource, match="not bool"):
        client.streams.pipe(context(Event(), True), target=run).wait_until_complete()
