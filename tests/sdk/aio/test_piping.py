"""Pipes of the async surface, at a real server."""

import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from runstreams.aio import AsyncClient, Closed
from runstreams.errors import (
    ChunkTooLarge,
    InvalidChunk,
    InvalidSource,
    StreamCanceled,
    StreamClosed,
    StreamFailed,
    Unauthenticated,
    Unauthorized,
)
from tests.sdk.aio.helpers import failing, read, slowly
from tests.sdk.in_tasks import Event, done, happened, sleep
from tests.sdk.test_values import Token


@pytest.mark.also_deployed
async def test_a_pipe_needs_neither_iteration_nor_waiting(aclient: AsyncClient, run: str) -> None:
    aclient.streams.pipe("words", ["a", "b"], target=run, close=True)
    assert await read(aclient, run, "words", timeout=10) == ["a", "b"]


async def test_a_pipe_returns_at_once(aclient: AsyncClient, run: str) -> None:
    go_on = Event()

    async def source() -> AsyncIterator[int]:
        await happened(go_on)
        yield 0

    piped = aclient.streams.pipe(source(), target=run)
    with pytest.raises(TimeoutError):
        await piped.wait_until_complete(timeout=0.01)
    go_on.set()
    assert await piped.wait_until_complete() == 0


async def test_what_is_complete_is_told_in_no_time(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe([1, 2], target=run)
    await piped.wait_until_complete()
    assert await piped.wait_until_complete(timeout=0) == 1


async def test_what_is_piped_passes_through_unchanged(aclient: AsyncClient, run: str) -> None:
    values = [object_ := Token(text="x"), {"a": 1}, None]
    piped = aclient.streams.pipe(values, target=run)
    passed = [value async for value in piped.stream]
    assert passed[0] is object_
    assert passed == values
    assert await piped.wait_until_complete() == 2


@pytest.mark.also_deployed
async def test_what_passes_may_be_read_meanwhile(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe("words", slowly(range(5)), target=run)
    assert [value async for value in piped.stream] == [0, 1, 2, 3, 4]
    assert await piped.wait_until_complete() == 4
    assert await read(aclient, run, "words") == [0, 1, 2, 3, 4]


async def test_what_passes_may_be_read_afterwards(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe(range(5), target=run)
    await piped.wait_until_complete()
    assert [value async for value in piped.stream] == [0, 1, 2, 3, 4]
    assert [value async for value in piped.stream] == []


async def test_without_a_key_it_is_the_default_stream(aclient: AsyncClient, run: str) -> None:
    assert aclient.streams.pipe([1], target=run).key == "default"
    await aclient.streams.pipe([1], target=run).wait_until_complete()
    assert [info.key for info in await aclient.streams.list(run)] == ["default"]


async def test_the_key_comes_first(aclient: AsyncClient, run: str) -> None:
    assert aclient.streams.pipe("k", [1], target=run).key == "k"
    assert aclient.streams.pipe(key="k", source=[1], target=run).key == "k"
    with pytest.raises(TypeError, match="key"):
        aclient.streams.pipe(target=run)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="key"):
        aclient.streams.pipe(1, [1], target=run)  # type: ignore[call-overload]


@pytest.mark.parametrize("source", ["text", b"bytes", {"a": 1}, 5, None])
async def test_a_value_is_no_source(aclient: AsyncClient, run: str, source: Any) -> None:
    with pytest.raises(InvalidSource):
        aclient.streams.pipe(source, target=run)
    with pytest.raises(TypeError):
        aclient.streams.pipe("key", source, target=run)


async def test_an_empty_source_sends_nothing(aclient: AsyncClient, run: str) -> None:
    assert await aclient.streams.pipe([], target=run).wait_until_complete() is None


async def test_lines_of_files_are_chunks(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.pipe(io.StringIO("ä\nb\n"), target=run).wait_until_complete()
    with tempfile.TemporaryFile() as file:
        file.write("ü\n".encode())
        file.seek(0)
        await aclient.streams.pipe(file, target=run).wait_until_complete()
    assert await read(aclient, run) == ["ä\n", "b\n", "ü\n"]


class Response:
    """A stream object as the SDKs of model providers give."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._items

    def close(self) -> None:
        self.closed = True


async def test_stream_objects_are_sources(aclient: AsyncClient, run: str) -> None:
    response = Response([Token(text="a"), Token(text="b")])
    await aclient.streams.pipe(response, target=run).wait_until_complete()
    assert await read(aclient, run) == [{"text": "a", "at": 0.0}, {"text": "b", "at": 0.0}]


@pytest.mark.also_deployed
async def test_many_pipes_may_write_one_stream(aclient: AsyncClient, run: str) -> None:
    pipes = [aclient.streams.pipe([(n, i) for i in range(50)], target=run) for n in range(8)]
    for piped in pipes:
        await piped.wait_until_complete()
    found = await read(aclient, run)
    assert len(found) == 400
    for n in range(8):
        assert [i for number, i in found if number == n] == list(range(50))


@pytest.mark.also_deployed
async def test_nobody_who_reads_nothing_holds_the_pipe_up(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe(["x" * 1000] * 12_000, target=run)
    assert await piped.wait_until_complete() == 11_999


# Sources that fail, and streams that refuse


@pytest.mark.also_deployed
@pytest.mark.parametrize("after", [0, 1, 3, 2500])
async def test_a_source_that_raises_loses_nothing_it_gave_before(
    aclient: AsyncClient, run: str, after: int
) -> None:
    piped = aclient.streams.pipe(failing(after), target=run)
    with pytest.raises(LookupError, match="the model is gone"):
        await piped.wait_until_complete()
    assert await read(aclient, run, strict=False) == list(range(after))
    info = await aclient.streams.describe(run)
    assert info.closed == Closed("failed", "LookupError: the model is gone")


async def test_what_passes_ends_with_what_the_source_raised(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe(failing(1), target=run)
    assert await anext(piped.stream) == 0
    with pytest.raises(LookupError):
        await anext(piped.stream)


async def test_a_failure_that_nobody_waits_for_is_logged_once(
    aclient: AsyncClient, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = aclient.streams.pipe(failing(1), target=run)._producer.result
    with pytest.raises(LookupError):
        await done(result)
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "the model is gone" in record.message


@pytest.mark.also_deployed
async def test_readers_of_a_failed_stream_are_told(aclient: AsyncClient, run: str) -> None:
    aclient.streams.pipe(failing(1), target=run)
    reader = aclient.streams.read(run, timeout=10)
    assert await anext(reader) == 0
    with pytest.raises(StreamFailed) as caught:
        await anext(reader)
    assert caught.value.error == "LookupError: the model is gone"
    assert reader.closed == Closed("failed", "LookupError: the model is gone")


async def test_a_stream_may_be_left_open_whatever_happens(aclient: AsyncClient, run: str) -> None:
    with pytest.raises(LookupError):
        await aclient.streams.pipe(failing(1), target=run, close=False).wait_until_complete()
    assert (await aclient.streams.describe(run)).closed is None


@pytest.mark.also_deployed
async def test_a_chunk_that_is_too_large_fails_and_keeps_what_came_before(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(["a", "x" * 1_100_000, "b"], target=run)
    with pytest.raises(ChunkTooLarge) as caught:
        await piped.wait_until_complete()
    assert caught.value.facts == {"limit": 1_048_576, "size": 1_100_002}
    assert await read(aclient, run, strict=False) == ["a"]


async def test_a_value_that_is_no_json_fails_and_keeps_what_came_before(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(["a", object()], target=run)
    with pytest.raises(InvalidChunk, match="object"):
        await piped.wait_until_complete()
    assert await read(aclient, run, strict=False) == ["a"]


@pytest.mark.also_deployed
async def test_a_closed_stream_refuses_at_once_with_the_facts(
    aclient: AsyncClient, run: str
) -> None:
    await aclient.streams.append("a", target=run)
    await aclient.streams.close(target=run)
    closed = Event()

    async def source() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    piped = aclient.streams.pipe(source(), target=run)
    with pytest.raises(StreamClosed) as caught:
        await piped.wait_until_complete()
    assert caught.value.status == "completed"
    assert caught.value.tail == 1
    await happened(closed)


@pytest.mark.also_deployed
async def test_a_rejected_key_fails_at_once(aclient: AsyncClient, server: Any, run: str) -> None:
    async with AsyncClient(server.url, "wrong") as stranger:
        piped = stranger.streams.pipe([1], target=run)
        with pytest.raises(Unauthenticated):
            await piped.wait_until_complete()
        with pytest.raises(Unauthenticated):
            await anext(stranger.streams.read(run))
        with pytest.raises(Unauthenticated):
            await stranger.streams.append(1, target=run)


async def endless(closed: Event) -> AsyncIterator[int]:
    try:
        async for value in slowly(range(10**9)):
            yield value
    finally:
        closed.set()


async def test_a_pipe_that_is_canceled_keeps_what_was_written(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(endless(closed := Event()), target=run)
    assert await anext(piped.stream) == 0
    piped.cancel()
    last = await piped.wait_until_complete()
    assert last is not None
    await happened(closed)
    assert await read(aclient, run, strict=False) == list(range(last + 1))
    assert (await aclient.streams.describe(run)).closed == Closed("canceled")


@pytest.mark.also_deployed
async def test_when_readers_ask_to_stop_the_source_is_closed_and_the_stream_canceled(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(endless(closed := Event()), target=run)
    reader = aclient.streams.read(run, timeout=10)
    assert await anext(reader) == 0
    await aclient.streams.stop(run)
    last = await piped.wait_until_complete(timeout=10)
    assert piped.stopped
    await happened(closed)
    assert last is not None
    assert [await anext(reader) for _ in range(last)] == list(range(1, last + 1))
    with pytest.raises(StreamCanceled):
        await anext(reader)


async def test_of_several_producers_that_are_asked_to_stop_none_fails(
    aclient: AsyncClient, run: str
) -> None:
    pipes = [aclient.streams.pipe(slowly(range(10**9)), target=run) for _ in range(4)]
    while not await aclient.streams.list(run) or (await aclient.streams.describe(run)).writers < 4:
        await sleep(0.01)
    await aclient.streams.stop(run)
    for piped in pipes:
        await piped.wait_until_complete(timeout=10)
        assert piped.stopped
    assert (await aclient.streams.describe(run)).closed == Closed("canceled")


@pytest.mark.also_deployed
async def test_a_pipe_into_a_canceled_stream_says_so_and_what_to_do(
    aclient: AsyncClient, run: str
) -> None:
    await aclient.streams.stop(run)
    await aclient.streams.close(target=run, status="canceled")
    piped = aclient.streams.pipe(slowly(range(10**9)), target=run)
    with pytest.raises(StreamClosed, match=f"{run}/default: .*: canceled.*begin anew") as caught:
        await piped.wait_until_complete(timeout=10)
    assert caught.value.status == "canceled"
    assert not piped.stopped


async def test_nor_is_it_a_stop_when_another_producer_ends_as_canceled(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(slowly(range(10**9)), target=run)
    assert await anext(aclient.streams.read(run)) == 0
    await aclient.streams.close(target=run, status="canceled")
    with pytest.raises(StreamClosed):
        await piped.wait_until_complete(timeout=10)
    assert not piped.stopped


async def test_a_token_that_does_not_allow_it_is_told_what_it_lacks(
    aclient: AsyncClient, server: Any, run: str
) -> None:
    token = aclient.auth.create_public_token(read=[run])
    async with AsyncClient(server.url, token) as reader:
        with pytest.raises(Unauthorized, match=f"{run}/log: .* write:runs:{run} or write:streams:"):
            await reader.streams.append("log", 1, target=run)
        with pytest.raises(Unauthorized, match=f"{run}: .* manage:runs:{run}"):
            await begin_run(reader, run)


async def begin_run(client: AsyncClient, run: str) -> None:
    async with client.streams.run(run):
        pass
