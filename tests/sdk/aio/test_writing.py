"""Writers and appends of the async surface, at a real server."""

from typing import Any

import pytest

from runstreams.aio import AsyncClient, Batching, Closed
from runstreams.errors import InvalidName, NoRun, WriterClosed
from tests.sdk.aio.helpers import read, slowly, together
from tests.sdk.in_tasks import done, sleep


@pytest.mark.also_deployed
async def test_a_writer_sends_in_order_and_is_done_at_its_end(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.writer("logs", target=run) as writer:
        for value in range(3000):
            await writer.write(value)
    assert await read(aclient, run, "logs") == list(range(3000))
    assert await writer.wait_until_complete() == 2999


@pytest.mark.also_deployed
async def test_drained_means_stored(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.writer(target=run) as writer:
        for value in range(3):
            await writer.write(value)
            await writer.drain()
            assert await read(aclient, run) == list(range(value + 1))


@pytest.mark.also_deployed
async def test_what_is_written_comes_before_what_is_merged_then(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.writer("logs", target=run) as writer:
        await writer.write("one")
        writer.write("two")
        writer.merge(slowly(range(3)))
    assert await read(aclient, run, "logs") == ["one", "two", 0, 1, 2]
    assert await writer.wait_until_complete() == 4


async def test_a_writer_merges_sources(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.writer(target=run) as writer:
        await writer.write("one")
        writer.merge(["two", "three"])
        writer.merge(slowly(range(2)))
    assert sorted(map(str, await read(aclient, run))) == ["0", "1", "one", "three", "two"]
    assert len([value async for value in writer.stream]) == 5


async def test_a_function_may_write(aclient: AsyncClient, run: str) -> None:
    async def execute(writer: Any) -> None:
        await writer.write("one")
        writer.merge(["two"])

    writer = aclient.streams.writer("logs", target=run, execute=execute)
    assert await writer.wait_until_complete() == 1
    assert [value async for value in writer.stream] == ["one", "two"]
    with pytest.raises(WriterClosed):
        await writer.write("late")


async def write_and_raise(client: AsyncClient, run: str, error: BaseException) -> None:
    async with client.streams.writer(target=run) as writer:
        await writer.write(1)
        await writer.write(2)
        raise error


async def test_an_exception_in_the_body_keeps_what_was_written_and_marks_the_stream(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(LookupError):
        await write_and_raise(aclient, run, LookupError("gone"))
    assert await read(aclient, run, strict=False) == [1, 2]
    assert (await aclient.streams.describe(run)).closed == Closed("failed", "LookupError: gone")


async def test_a_body_that_raises_does_not_wait_for_what_it_merges(
    aclient: AsyncClient, run: str
) -> None:
    async def body() -> None:
        async with aclient.streams.writer(target=run) as writer:
            await writer.write(1)
            await writer.drain()
            writer.merge(iter(int, 1))  # for ever
            raise LookupError("gone")

    with pytest.raises(LookupError):
        await body()
    assert (await aclient.streams.describe(run)).closed == Closed("failed", "LookupError: gone")


async def test_an_interrupted_body_marks_the_stream_as_canceled(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        await write_and_raise(aclient, run, KeyboardInterrupt())
    closed = (await aclient.streams.describe(run)).closed
    assert closed is not None
    assert closed.status == "canceled"


async def test_a_writer_that_is_asked_to_stop_ends_its_body(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.writer(target=run) as writer:
        for value in range(10**9):
            await writer.write(value)
            if value == 5:
                await writer.drain()
                await aclient.streams.stop(run)
            await sleep(0.001)
    assert writer.stopped
    assert (await aclient.streams.describe(run)).closed == Closed("canceled")


async def test_a_writer_waits_when_too_much_is_unsent(server: Any, run: str) -> None:
    batching = Batching(unsent_chunks=10)
    async with AsyncClient(server.url, server.secret, batching=batching) as client:
        async with client.streams.writer(target=run) as writer:
            for value in range(200):
                await writer.write(value)
                assert writer._producer.unsent <= 10
        assert await read(client, run) == list(range(200))


async def test_a_writer_that_is_dropped_is_sent_and_warned_of(
    aclient: AsyncClient, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    writer = aclient.streams.writer(target=run)
    await writer.write(1)
    producer = writer._producer
    del writer
    assert await done(producer.told()) == 0
    assert "never ended" in caplog.text


@pytest.mark.also_deployed
async def test_an_append_is_stored_when_it_returns(aclient: AsyncClient, run: str) -> None:
    assert await aclient.streams.append("logs", {"step": 1}, target=run) == 0
    assert await aclient.streams.append(key="logs", value=["x"], target=run) == 1
    assert await aclient.streams.append("default", target=run) == 0
    assert await read(aclient, run, "logs") == [{"step": 1}, ["x"]]


@pytest.mark.also_deployed
async def test_appends_of_many_at_once_are_each_there_once(aclient: AsyncClient, run: str) -> None:
    async def work(number: int) -> None:
        for i in range(10):
            await aclient.streams.append([number, i], target=run)

    await together(work, range(8))
    found = await read(aclient, run)
    assert sorted(found) == [[number, i] for number in range(8) for i in range(10)]
    for number in range(8):
        assert [i for n, i in found if n == number] == list(range(10))


async def test_without_a_run_the_error_says_what_to_do(aclient: AsyncClient) -> None:
    with pytest.raises(NoRun, match=r"target="):
        aclient.streams.pipe([1])
    with pytest.raises(NoRun, match=r"target="):
        await aclient.streams.append(1)
    with pytest.raises(NoRun, match=r"target="):
        aclient.streams.writer()
    with pytest.raises(NoRun, match=r"target="):
        await aclient.streams.close()


async def test_names_are_checked_before_anything_is_sent(aclient: AsyncClient) -> None:
    with pytest.raises(InvalidName):
        aclient.streams.pipe("a/b", [1], target="run_1")
    with pytest.raises(InvalidName):
        aclient.streams.read("")
    with pytest.raises(InvalidName):
        await aclient.streams.append("k", 1, target="x" * 129)


async def test_odd_names_arrive_as_they_are(aclient: AsyncClient, run: str) -> None:
    name = "ü %2F?#& ~'\"+"
    await aclient.streams.append(name, 1, target=run + name)
    assert await read(aclient, run + name, name) == [1]
    assert [info.key for info in await aclient.streams.list(run + name)] == [name]
