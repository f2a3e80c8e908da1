# Written by scripts/unasync.py: change tests/sdk/aio/test_piping.py, then `make format`.
"""Pipes of the sync surface, at a real server."""

import io
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from runstreams import Client, Closed
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
from tests.sdk.in_threads import Event, done, happened, sleep
from tests.sdk.sync.helpers import failing, read, slowly
from tests.sdk.test_values import Token


@pytest.mark.also_deployed
def test_a_pipe_needs_neither_iteration_nor_waiting(client: Client, run: str) -> None:
    client.streams.pipe("words", ["a", "b"], target=run, close=True)
    assert read(client, run, "words", timeout=10) == ["a", "b"]


def test_a_pipe_returns_at_once(client: Client, run: str) -> None:
    go_on = Event()

    def source() -> Iterator[int]:
        happened(go_on)
        yield 0

    piped = client.streams.pipe(source(), target=run)
    with pytest.raises(TimeoutError):
        piped.wait_until_complete(timeout=0.01)
    go_on.set()
    assert piped.wait_until_complete() == 0


def test_what_is_complete_is_told_in_no_time(client: Client, run: str) -> None:
    piped = client.streams.pipe([1, 2], target=run)
    piped.wait_until_complete()
    assert piped.wait_until_complete(timeout=0) == 1


def test_what_is_piped_passes_through_unchanged(client: Client, run: str) -> None:
    values = [object_ := Token(text="x"), {"a": 1}, None]
    piped = client.streams.pipe(values, target=run)
    passed = [value for value in piped.stream]
    assert passed[0] is object_
    assert passed == values
    assert piped.wait_until_complete() == 2


@pytest.mark.also_deployed
def test_what_passes_may_be_read_meanwhile(client: Client, run: str) -> None:
    piped = client.streams.pipe("words", slowly(range(5)), target=run)
    assert [value for value in piped.stream] == [0, 1, 2, 3, 4]
    assert piped.wait_until_complete() == 4
    assert read(client, run, "words") == [0, 1, 2, 3, 4]


def test_what_passes_may_be_read_afterwards(client: Client, run: str) -> None:
    piped = client.streams.pipe(range(5), target=run)
    piped.wait_until_complete()
    assert [value for value in piped.stream] == [0, 1, 2, 3, 4]
    assert [value for value in piped.stream] == []


def test_without_a_key_it_is_the_default_stream(client: Client, run: str) -> None:
    assert client.streams.pipe([1], target=run).key == "default"
    client.streams.pipe([1], target=run).wait_until_complete()
    assert [info.key for info in client.streams.list(run)] == ["default"]


def test_the_key_comes_first(client: Client, run: str) -> None:
    assert client.streams.pipe("k", [1], target=run).key == "k"
    assert client.streams.pipe(key="k", source=[1], target=run).key == "k"
    with pytest.raises(TypeError, match="key"):
        client.streams.pipe(target=run)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="key"):
        client.streams.pipe(1, [1], target=run)  # type: ignore[call-overload]


@pytest.mark.parametrize("source", ["text", b"bytes", {"a": 1}, 5, None])
def test_a_value_is_no_source(client: Client, run: str, source: Any) -> None:
    with pytest.raises(InvalidSource):
        client.streams.pipe(source, target=run)
    with pytest.raises(TypeError):
        client.streams.pipe("key", source, target=run)


def test_an_empty_source_sends_nothing(client: Client, run: str) -> None:
    assert client.streams.pipe([], target=run).wait_until_complete() is None


def test_lines_of_files_are_chunks(client: Client, run: str) -> None:
    client.streams.pipe(io.StringIO("ä\nb\n"), target=run).wait_until_complete()
    with tempfile.TemporaryFile() as file:
        file.write("ü\n".encode())
        file.seek(0)
        client.streams.pipe(file, target=run).wait_until_complete()
    assert read(client, run) == ["ä\n", "b\n", "ü\n"]


class Response:
    """A stream object as the SDKs of model providers give."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._items

    def close(self) -> None:
        self.closed = True


def test_stream_objects_are_sources(client: Client, run: str) -> None:
    response = Response([Token(text="a"), Token(text="b")])
    client.streams.pipe(response, target=run).wait_until_complete()
    assert read(client, run) == [{"text": "a", "at": 0.0}, {"text": "b", "at": 0.0}]


@pytest.mark.also_deployed
def test_many_pipes_may_write_one_stream(client: Client, run: str) -> None:
    pipes = [client.streams.pipe([(n, i) for i in range(50)], target=run) for n in range(8)]
    for piped in pipes:
        piped.wait_until_complete()
    found = read(client, run)
    assert len(found) == 400
    for n in range(8):
        assert [i for number, i in found if number == n] == list(range(50))


@pytest.mark.also_deployed
def test_nobody_who_reads_nothing_holds_the_pipe_up(client: Client, run: str) -> None:
    piped = client.streams.pipe(["x" * 1000] * 12_000, target=run)
    assert piped.wait_until_complete() == 11_999


# Sources that fail, and streams that refuse


@pytest.mark.also_deployed
@pytest.mark.parametrize("after", [0, 1, 3, 2500])
def test_a_source_that_raises_loses_nothing_it_gave_before(
    client: Client, run: str, after: int
) -> None:
    piped = client.streams.pipe(failing(after), target=run)
    with pytest.raises(LookupError, match="the model is gone"):
        piped.wait_until_complete()
    assert read(client, run, strict=False) == list(range(after))
    info = client.streams.describe(run)
    assert info.closed == Closed("failed", "LookupError: the model is gone")


def test_what_passes_ends_with_what_the_source_raised(client: Client, run: str) -> None:
    piped = client.streams.pipe(failing(1), target=run)
    assert next(piped.stream) == 0
    with pytest.raises(LookupError):
        next(piped.stream)


def test_a_failure_that_nobody_waits_for_is_logged_once(
    client: Client, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = client.streams.pipe(failing(1), target=run)._producer.result
    with pytest.raises(LookupError):
        done(result)
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "the model is gone" in record.message


@pytest.mark.also_deployed
def test_readers_of_a_failed_stream_are_told(client: Client, run: str) -> None:
    client.streams.pipe(failing(1), target=run)
    reader = client.streams.read(run, timeout=10)
    assert next(reader) == 0
    with pytest.raises(StreamFailed) as caught:
        next(reader)
    assert caught.value.error == "LookupError: the model is gone"
    assert reader.closed == Closed("failed", "LookupError: the model is gone")


def test_a_stream_may_be_left_open_whatever_happens(client: Client, run: str) -> None:
    with pytest.raises(LookupError):
        client.streams.pipe(failing(1), target=run, close=False).wait_until_complete()
    assert (client.streams.describe(run)).closed is None


@pytest.mark.also_deployed
def test_a_chunk_that_is_too_large_fails_and_keeps_what_came_before(
    client: Client, run: str
) -> None:
    piped = client.streams.pipe(["a", "x" * 1_100_000, "b"], target=run)
    with pytest.raises(ChunkTooLarge) as caught:
        piped.wait_until_complete()
    assert caught.value.facts == {"limit": 1_048_576, "size": 1_100_002}
    assert read(client, run, strict=False) == ["a"]


def test_a_value_that_is_no_json_fails_and_keeps_what_came_before(client: Client, run: str) -> None:
    piped = client.streams.pipe(["a", object()], target=run)
    with pytest.raises(InvalidChunk, match="object"):
        piped.wait_until_complete()
    assert read(client, run, strict=False) == ["a"]


@pytest.mark.also_deployed
def test_a_closed_stream_refuses_at_once_with_the_facts(client: Client, run: str) -> None:
    client.streams.append("a", target=run)
    client.streams.close(target=run)
    closed = Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    piped = client.streams.pipe(source(), target=run)
    with pytest.raises(StreamClosed) as caught:
        piped.wait_until_complete()
    assert caught.value.status == "completed"
    assert caught.value.tail == 1
    happened(closed)


@pytest.mark.also_deployed
def test_a_rejected_key_fails_at_once(client: Client, server: Any, run: str) -> None:
    with Client(server.url, "wrong") as stranger:
        piped = stranger.streams.pipe([1], target=run)
        with pytest.raises(Unauthenticated):
            piped.wait_until_complete()
        with pytest.raises(Unauthenticated):
            next(stranger.streams.read(run))
        with pytest.raises(Unauthenticated):
            stranger.streams.append(1, target=run)


def endless(closed: Event) -> Iterator[int]:
    try:
        for value in slowly(range(10**9)):
            yield value
    finally:
        closed.set()


def test_a_pipe_that_is_canceled_keeps_what_was_written(client: Client, run: str) -> None:
    piped = client.streams.pipe(endless(closed := Event()), target=run)
    assert next(piped.stream) == 0
    piped.cancel()
    last = piped.wait_until_complete()
    assert last is not None
    happened(closed)
    assert read(client, run, strict=False) == list(range(last + 1))
    assert (client.streams.describe(run)).closed == Closed("canceled")


@pytest.mark.also_deployed
def test_when_readers_ask_to_stop_the_source_is_closed_and_the_stream_canceled(
    client: Client, run: str
) -> None:
    piped = client.streams.pipe(endless(closed := Event()), target=run)
    reader = client.streams.read(run, timeout=10)
    assert next(reader) == 0
    client.streams.stop(run)
    last = piped.wait_until_complete(timeout=10)
    assert piped.stopped
    happened(closed)
    assert last is not None
    assert [next(reader) for _ in range(last)] == list(range(1, last + 1))
    with pytest.raises(StreamCanceled):
        next(reader)


def test_of_several_producers_that_are_asked_to_stop_none_fails(client: Client, run: str) -> None:
    pipes = [client.streams.pipe(slowly(range(10**9)), target=run) for _ in range(4)]
    while not client.streams.list(run) or (client.streams.describe(run)).writers < 4:
        sleep(0.01)
    client.streams.stop(run)
    for piped in pipes:
        piped.wait_until_complete(timeout=10)
        assert piped.stopped
    assert (client.streams.describe(run)).closed == Closed("canceled")


@pytest.mark.also_deployed
def test_a_pipe_into_a_canceled_stream_says_so_and_what_to_do(client: Client, run: str) -> None:
    client.streams.stop(run)
    client.streams.close(target=run, status="canceled")
    piped = client.streams.pipe(slowly(range(10**9)), target=run)
    with pytest.raises(StreamClosed, match=f"{run}/default: .*: canceled.*begin anew") as caught:
        piped.wait_until_complete(timeout=10)
    assert caught.value.status == "canceled"
    assert not piped.stopped


def test_nor_is_it_a_stop_when_another_producer_ends_as_canceled(client: Client, run: str) -> None:
    piped = client.streams.pipe(slowly(range(10**9)), target=run)
    assert next(client.streams.read(run)) == 0
    client.streams.close(target=run, status="canceled")
    with pytest.raises(StreamClosed):
        piped.wait_until_complete(timeout=10)
    assert not piped.stopped


def test_a_token_that_does_not_allow_it_is_told_what_it_lacks(
    client: Client, server: Any, run: str
) -> None:
    token = client.auth.create_public_token(read=[run])
    with Client(server.url, token) as reader:
        with pytest.raises(Unauthorized, match=f"{run}/log: .* write:runs:{run} or write:streams:"):
            reader.streams.append("log", 1, target=run)
        with pytest.raises(Unauthorized, match=f"{run}: .* manage:runs:{run}"):
            begin_run(reader, run)


def begin_run(client: Client, run: str) -> None:
    with client.streams.run(run):
        pass
