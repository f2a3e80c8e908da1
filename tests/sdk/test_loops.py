"""What only the async surface does: it waits in event loops. All else is in `tests/sdk/aio`."""

import asyncio
import contextlib
import gc
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from runstreams import Closed
from runstreams.aio import AsyncClient, Piped, Writer
from runstreams.errors import BufferFull, SourceCut, StreamFailed, WriterClosed
from runstreams.sdk.engine.queues import ClosableQueue
from runstreams.sdk.engine.waiting import outcome
from runstreams.sdk.writing import sender
from runstreams.sdk.writing.buffer import Buffer
from runstreams.sdk.writing.producer import Producer
from tests.sdk.aio.helpers import read, slowly
from tests.serve.process import ServerProcess


async def test_a_blocking_source_does_not_block_the_loop(aclient: AsyncClient, run: str) -> None:
    go_on = threading.Event()

    def source() -> Iterator[int]:
        yield 0
        go_on.wait(10)
        yield 1

    piped = aclient.streams.pipe(source(), target=run)
    assert await anext(piped.stream) == 0
    await asyncio.sleep(0)
    go_on.set()
    assert await piped.wait_until_complete() == 1


async def test_blocking_the_loop_does_not_hold_up_what_is_sent(
    aclient: AsyncClient, run: str
) -> None:
    writer = aclient.streams.writer(target=run)
    writer.write(1)
    producer = writer._producer
    deadline = time.monotonic() + 10
    while producer.unsent:  # no await in here
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.close()
    assert await writer.wait_until_complete() == 0


async def test_a_coroutine_function_writes_in_the_background(
    aclient: AsyncClient, run: str
) -> None:
    async def execute(writer: Any) -> None:
        writer.write(1)
        await asyncio.sleep(0.01)
        writer.merge([2])

    writer = aclient.streams.writer(target=run, execute=execute)
    gc.collect()
    assert await writer.wait_until_complete() == 1


async def test_a_coroutine_function_that_raises_fails_the_stream(
    aclient: AsyncClient, run: str
) -> None:
    async def execute(writer: Any) -> None:
        writer.write(1)
        raise LookupError("gone")

    writer = aclient.streams.writer(target=run, execute=execute)
    with pytest.raises(LookupError):
        await writer.wait_until_complete()
    with pytest.raises(StreamFailed, match="gone"):
        await read(aclient, run)


async def test_awaited_writes_are_slowed_down_and_others_refused_in_the_end(
    aclient: AsyncClient, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclient.streams.writer(target=run) as writer:
        for value in range(30_000):
            await writer.write(value)
            assert writer._producer.unsent <= 10_000
    monkeypatch.setattr(sender, "BUFFER_BYTES", 1000)
    with pytest.raises(BufferFull):
        await write_without_waiting(aclient, run)


async def test_writes_that_nobody_awaits_take_little_more_memory_than_their_chunks() -> None:
    client = AsyncClient("http://127.0.0.1:9", "key")  # where nobody answers
    writer = client.streams.writer(target="run")
    tracemalloc.start()
    try:
        for _ in range(50_000):
            writer.write("word")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        writer._producer.abandon()
        await client.aclose()
    assert taken < 50_000 * 200


async def look_at_pipe(writer: Writer[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        await writer.wait_until_complete(timeout=0)


async def look_at_drain(writer: Writer[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await writer.drain()


@pytest.mark.parametrize("look", [look_at_pipe, look_at_drain])
async def test_who_looks_again_and_again_whether_all_is_sent_leaves_nothing_behind(
    look: Callable[[Writer[Any]], Awaitable[None]],
) -> None:
    client = AsyncClient("http://127.0.0.1:9", "key")  # where nobody answers
    writer = client.streams.writer(target="run")
    writer.write("word")
    while writer._producer.trouble is None:
        await asyncio.sleep(0.01)
    tracemalloc.start()
    try:
        for _ in range(2000):
            await look(writer)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        writer._producer.abandon()
        await client.aclose()
    assert taken < 2000 * 200


async def write_without_waiting(client: AsyncClient, run: str) -> None:
    async with client.streams.writer("other", target=run) as writer:
        for _ in range(100):
            writer.write("x" * 100)


@pytest.mark.also_deployed
async def test_when_readers_ask_to_stop_a_source_that_waits_is_closed_at_once(
    aclient: AsyncClient, run: str
) -> None:
    closed = asyncio.Event()

    async def source() -> AsyncIterator[int]:
        try:
            yield 0
            await aclient.streams.stop(run)
            yield 1
            await asyncio.sleep(3600)
        finally:
            closed.set()

    piped = aclient.streams.pipe(source(), target=run)
    assert await piped.wait_until_complete(timeout=10) in (0, 1)
    await asyncio.wait_for(closed.wait(), 10)
    assert piped.stopped
    assert (await aclient.streams.describe(run)).closed == Closed("canceled")


async def test_a_plain_function_has_written_when_the_call_returns(
    aclient: AsyncClient, run: str
) -> None:
    writer = aclient.streams.writer(target=run, execute=lambda writer: writer.write(1))
    with pytest.raises(WriterClosed):
        writer.write("late")
    assert await writer.wait_until_complete() == 0


# Cancelling at any await


async def cancelled_at_once(work: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_gives_up_waiting_for_a_pipe_leaves_it_to_others(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(slowly(range(20), 0.01), target=run)
    await cancelled_at_once(piped.wait_until_complete())
    with pytest.raises(TimeoutError):
        await piped.wait_until_complete(timeout=0.001)
    assert await piped.wait_until_complete() == 19


async def test_a_timeout_does_not_end_what_passes(aclient: AsyncClient, run: str) -> None:
    piped = aclient.streams.pipe(slowly(range(5), 0.03), target=run)
    found: list[int] = []
    while len(found) < 5:
        with contextlib.suppress(TimeoutError):
            found.append(await asyncio.wait_for(anext(piped.stream), 0.005))
    assert found == [0, 1, 2, 3, 4]


@pytest.mark.also_deployed
async def test_a_timeout_does_not_end_a_reader_and_loses_nothing(
    aclient: AsyncClient, run: str
) -> None:
    piped = aclient.streams.pipe(slowly(range(20), 0.01), target=run)
    reader = aclient.streams.read(run, timeout=None)
    found: list[int] = []
    while len(found) < 20:
        with contextlib.suppress(TimeoutError):
            found.append(await asyncio.wait_for(anext(reader), 0.003))
    assert found == list(range(20))
    await reader.aclose()
    await piped.wait_until_complete()


CALLS: dict[str, Callable[[AsyncClient, str], Awaitable[Any]]] = {
    "append": lambda client, run: client.streams.append("x" * 100_000, target=run),
    "list": lambda client, run: client.streams.list(run),
    "describe": lambda client, run: client.streams.describe(run),
    "close": lambda client, run: client.streams.close(target=run),
    "read": lambda client, run: anext(client.streams.read(run, timeout=None)),
    "writer": lambda client, run: write_some(client, run),
    "run": lambda client, run: be_in(client, run),
}


async def write_some(client: AsyncClient, run: str) -> None:
    async with client.streams.writer(target=run) as writer:
        for value in range(50):
            await writer.write(value)
            await writer.drain()


async def be_in(client: AsyncClient, run: str) -> None:
    async with client.streams.run(run):
        await client.streams.append(1)
        client.streams.pipe(slowly(range(100), 0.01))
        await asyncio.sleep(3600)


@pytest.mark.parametrize("call", CALLS)
async def test_a_caller_may_be_cancelled_at_any_await(
    aclient: AsyncClient, run: str, call: str
) -> None:
    """The same work, cancelled after one, two, three ... turns of the loop; the fixture sees that
    no task is left."""
    for turns in range(12):
        task = asyncio.ensure_future(CALLS[call](aclient, f"{run}_{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
    assert await aclient.streams.append("still fine", target=run) == 0


async def test_a_body_that_is_cancelled_keeps_what_was_written(
    aclient: AsyncClient, run: str
) -> None:
    begun = asyncio.Event()

    async def body() -> None:
        async with aclient.streams.writer(target=run) as writer:
            writer.write(1)
            begun.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(body())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await read(aclient, run, strict=False) == [1]
    closed = (await aclient.streams.describe(run)).closed
    assert closed is not None
    assert closed.status == "canceled"


async def test_a_run_that_is_cancelled_says_so(aclient: AsyncClient, run: str) -> None:
    begun = asyncio.Event()

    async def job() -> None:
        async with aclient.streams.run(run):
            await aclient.streams.append(1)
            begun.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(job())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    closed = (await aclient.streams.describe(run)).closed
    assert closed is not None
    assert closed.status == "canceled"


async def test_no_exception_is_never_retrieved(
    aclient: AsyncClient, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def source() -> AsyncIterator[int]:
        yield 0
        raise LookupError("gone")

    producer = aclient.streams.pipe(source(), target=run)._producer
    reader = aclient.streams.read(run)
    assert await anext(reader) == 0
    del reader
    while not producer.result.done():
        await asyncio.sleep(0.01)
    del producer
    gc.collect()
    assert [record for record in caplog.records if record.name != "runstreams"] == []


# Several loops


def test_one_client_serves_one_loop_after_another(server: ServerProcess, run: str) -> None:
    client = AsyncClient(server.url, server.secret)
    for value in range(3):
        asyncio.run(client.streams.append(value, target=run))
    assert asyncio.run(read(client, run)) == [0, 1, 2]
    asyncio.run(client.aclose())


def test_what_is_piped_is_sent_even_if_its_loop_ends_first(
    server: ServerProcess, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = AsyncClient(server.url, server.secret)

    async def main() -> None:
        client.streams.pipe("plain", range(1000), target=run, close=True)
        piped = client.streams.pipe("endless", slowly(range(10**9), 0.01), target=run)
        assert await anext(piped.stream) == 0

    asyncio.run(main())
    assert asyncio.run(read(client, run, "plain", timeout=5, start_index=999)) == [999]
    found = asyncio.run(read(client, run, "endless", timeout=5, strict=False))
    assert found == list(range(len(found)))
    assert asyncio.run(client.streams.describe(run, "endless")).closed == Closed(
        "canceled", "SourceCut: the source was cancelled, as when its event loop ends"
    )
    assert "endless was broken off" in caplog.text
    asyncio.run(client.aclose())


async def test_a_task_that_is_cancelled_as_it_waits_for_its_sources_says_so(
    aclient: AsyncClient, run: str
) -> None:
    begun = asyncio.Event()

    async def source() -> AsyncIterator[int]:
        yield 0
        begun.set()
        await asyncio.sleep(3600)

    async def job() -> None:
        async with aclient.streams.run(run):
            aclient.streams.pipe(source())

    task = asyncio.create_task(job())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await aclient.streams.describe(run)).closed == Closed("canceled", "CancelledError: ")


def test_a_source_whose_loop_has_ended_without_a_word_is_not_waited_for(
    server: ServerProcess, run: str
) -> None:
    client = AsyncClient(server.url, server.secret)

    async def source() -> AsyncIterator[int]:
        yield 0
        await asyncio.sleep(3600)

    async def main(key: str) -> Piped[int]:
        piped = client.streams.pipe(key, source(), target=run)
        assert await anext(piped.stream) == 0
        return piped

    async def wait(piped: Piped[int]) -> None:
        await piped.wait_until_complete()

    async def follow(piped: Piped[int]) -> None:
        await anext(piped.stream)

    with asyncio.Runner() as ended:  # its loop is not closed yet, and cancels nothing
        for end in (wait, follow):
            piped = ended.run(main(end.__name__))
            with pytest.raises(SourceCut, match="event loop of the source has ended"):
                asyncio.run(end(piped))
    asyncio.run(client.aclose())


async def test_closing_the_client_ends_what_is_read(aclient: AsyncClient, run: str) -> None:
    reader = aclient.streams.read(run, timeout=None)
    reading = asyncio.create_task(anext(reader))
    await asyncio.sleep(0.05)
    await aclient.aclose()
    with pytest.raises(WriterClosed):
        await reading
    with pytest.raises(WriterClosed):
        await aclient.streams.append(1, target=run)


class Forgotten:
    """A reader or a writer that only itself refers to: the garbage collector finds it."""

    def __init__(self, what: object) -> None:
        self.what = what
        self.itself = self


async def test_a_reader_may_be_found_to_be_garbage_while_chunks_are_handed_over(
    aclient: AsyncClient, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the engine, which must not wait for what it is doing itself."""
    await aclient.streams.append(0, target=run)
    there = threading.Event()

    def make_room(queue: ClosableQueue[Any]) -> None:
        there.set()
        gc.collect()

    gc.disable()
    try:
        Forgotten(aclient.streams.read(run))
        with monkeypatch.context() as patched:
            patched.setattr(ClosableQueue, "_make_room", make_room)
            assert await asyncio.to_thread(there.wait, 10)
            assert await asyncio.wait_for(aclient.streams.append(1, target=run), 5) == 1
    finally:
        gc.enable()


async def test_a_writer_may_be_found_to_be_garbage_while_its_chunks_are_sent(
    aclient: AsyncClient, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = Buffer.arrived

    def collecting(buffer: Buffer, *said: Any) -> None:
        gc.collect()
        arrived(buffer, *said)

    def begin() -> Producer:
        writer = aclient.streams.writer(target=run)
        Forgotten(writer)
        writer.write(0)
        return writer._producer

    monkeypatch.setattr(Buffer, "arrived", collecting)
    gc.disable()
    try:
        assert await asyncio.wait_for(outcome(begin().told()), 5) == 0
    finally:
        gc.enable()
