"""What only the sync surface does: it waits in threads. All else is in `tests/sdk/sync`."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from runstreams import Client, Closed
from tests.sdk.sync.helpers import read


async def counting(end: int) -> AsyncIterator[int]:
    for value in range(end):
        yield value


def test_an_async_source_works_where_there_is_no_loop(client: Client, run: str) -> None:
    assert client.streams.pipe(counting(3), target=run).wait_until_complete() == 2
    with client.streams.writer(target=run) as writer:
        writer.merge(counting(2))
    assert read(client, run) == [0, 1, 2, 0, 1]


def waiting_in_the_engine(client: Client, run: str, call: str) -> Any:
    """Return what comes of *call* of a reader in a source that the client's own loop pulls."""

    async def source() -> AsyncIterator[object]:
        reader = client.streams.read(run, timeout=None)
        yield getattr(reader, call)()

    return client.streams.pipe(source(), target=run).wait_until_complete()


@pytest.mark.parametrize("call", ["__next__", "close"])
def test_a_reader_does_not_wait_for_its_own_engine(client: Client, run: str, call: str) -> None:
    with pytest.raises(RuntimeError, match=r"runstreams\.aio") as caught:
        waiting_in_the_engine(client, run, call)
    assert caught.value.__context__ is None


def test_an_async_source_that_waits_for_its_own_engine_is_told_so(client: Client, run: str) -> None:
    async def source() -> Any:
        yield client.streams.append("x", target=run)

    with pytest.raises(RuntimeError, match=r"runstreams\.aio"):
        client.streams.pipe(source(), target=run).wait_until_complete()


def test_a_function_has_written_when_the_call_returns(client: Client, run: str) -> None:
    seen = []
    client.streams.writer(target=run, execute=lambda writer: seen.append(writer.write("x")))
    assert seen == [None]


def test_a_function_that_raises_fails_the_stream(client: Client, run: str) -> None:
    def execute(writer: Any) -> None:
        writer.write(1)
        raise LookupError("gone")

    with pytest.raises(LookupError):
        client.streams.writer(target=run, execute=execute)
    assert read(client, run, timeout=10, strict=False) == [1]
    assert client.streams.describe(run).closed == Closed("failed", "LookupError: gone")


def test_a_coroutine_function_is_not_left_out_silently(client: Client, run: str) -> None:
    async def execute(writer: Any) -> None:
        writer.write(1)

    with pytest.raises(TypeError, match=r"runstreams\.aio"):
        client.streams.writer(target=run, execute=execute)


@contextmanager
def no_more_threads() -> Iterator[None]:
    """As where a container allows so many and no more."""
    refusal = RuntimeError("can't start new thread")
    with patch.object(threading.Thread, "start", side_effect=refusal), pytest.raises(RuntimeError):
        yield


def test_a_writer_ends_though_no_thread_can_be_begun_for_its_source(
    client: Client, run: str
) -> None:
    ended = threading.Event()

    def write() -> None:
        with client.streams.writer(target=run) as writer:
            writer.write(0)
            with no_more_threads():
                writer.merge([1])
        ended.set()

    threading.Thread(target=write, daemon=True).start()
    assert ended.wait(10)
    assert read(client, run) == [0]


def test_readers_are_told_of_a_pipe_whose_thread_cannot_be_begun(client: Client, run: str) -> None:
    client.streams.append(0, target=run)  # so the client has its own
    with no_more_threads():
        client.streams.pipe([1], target=run)
    reader = client.streams.read(run, strict=False)
    assert list(reader) == [0]
    assert reader.closed == Closed("failed", "RuntimeError: can't start new thread")
