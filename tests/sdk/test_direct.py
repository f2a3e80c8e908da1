"""Without a server in between: the same SDK on the store itself."""

import asyncio
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from runstreams import Client, Closed, StreamInfo
from runstreams.aio import AsyncClient
from runstreams.core.limits import DAY_MS
from runstreams.core.model import StreamId
from runstreams.errors import (
    ChunkTooLarge,
    FencedOff,
    InvalidSetting,
    NotSent,
    NotThere,
    RunCompleted,
    StreamFull,
)
from runstreams.sdk.records import ChunkPage
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.stores.sqlite import SqliteStore
from runstreams.wiring import new_id, now, open_log
from tests.emulators.place import Place
from tests.http.serving import wait_until
from tests.sdk.scripted import memory_log


def test_everything_is_done_in_the_process(run: str) -> None:
    with Client(transport=lambda: DirectTransport(memory_log(now))) as client:
        streams = client.streams
        with streams.run(run, parent="run_above") as inside:
            assert inside.root == "run_above"
            streams.pipe("words", range(3000))
            assert streams.append("logs", {"step": 1}) == 0
            streams.close("logs", status="failed", error="why")
        assert list(streams.read(run, "words")) == list(range(3000))
        assert [info.key for info in streams.list(run)] == ["logs", "words"]
        assert streams.describe(run, "logs").closed == Closed("failed", "why")
        assert list(streams.read(run, "words", start_index=2998)) == [2998, 2999]
        assert list(streams.read(run, "words", start_index="tail")) == []
        assert [found.id for found in streams.runs()] == [run]
        with pytest.raises(RunCompleted):
            streams.pipe("logs", [1], target=run).wait_until_complete()
        assert streams.delete(run, "logs")
        with pytest.raises(NotThere):
            streams.describe(run, "logs")


async def test_a_stream_is_taken_over(run: str) -> None:
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        old = client.streams.writer("words", target=run, close=True)
        await old.write("so")
        await old.drain()
        async with await client.streams.take_over("words", target=run, lease=60) as new:
            old.close()
            with pytest.raises(FencedOff):
                await old.wait_until_complete()
            assert (new.next_index, await new.stored()) == (1, ["so"])
        info = await client.streams.describe(run, "words")
        assert (info.tail, info.closed, info.leased_until) == (1, None, None)


async def test_a_writer_that_is_given_up_before_it_sends_tells_whoever_waits(run: str) -> None:
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        held = threading.Event()
        client._connection.engine.loop.call_soon_threadsafe(held.wait)
        writer = client.streams.writer(target=run)
        await writer.write("never sent")
        writer._producer.abandon()
        held.set()
        with pytest.raises(NotSent):
            await asyncio.wait_for(writer.drain(), 10)


async def test_a_writer_that_is_given_up_ends_no_stream(run: str) -> None:
    """Also where all of it was sent before sending is cancelled."""
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        writer = client.streams.writer("words", target=run)
        await writer.write("sent")
        await writer.drain()
        with patch.object(writer._producer, "_sending"):
            writer._producer.abandon()
            await asyncio.wait_for(asyncio.wrap_future(writer._producer.result), 10)
        assert (await client.streams.describe(run, "words")).closed is None


def test_it_refuses_what_the_server_refuses(run: str) -> None:
    with Client(transport=lambda: DirectTransport(memory_log(now))) as client:
        deep: Any = 0
        for _ in range(300):
            deep = [deep]
        from runstreams.errors import InvalidChunk

        with pytest.raises(InvalidChunk):
            client.streams.append(deep, target=run)
        with pytest.raises(ChunkTooLarge):
            client.streams.append("x" * 2**20, target=run)


async def test_a_reader_waits_for_what_comes(run: str) -> None:
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        reader = client.streams.read(run)
        reading = asyncio.create_task(anext(reader))
        await asyncio.sleep(0.01)
        await client.streams.append("x", target=run)
        assert await reading == "x"
        await client.streams.stop(run)
        piped = client.streams.pipe([1, 2], target=run)
        await piped.wait_until_complete()
        assert piped.stopped
        await reader.aclose()


async def test_a_reader_follows_live_rather_than_ask_for_page_after_page(run: str) -> None:
    asked: list[float] = []

    class Watched(DirectTransport):
        async def page(
            self, stream: StreamId, start: int | None, wait: float, limit: int, *more: Any
        ) -> ChunkPage:
            asked.append(wait)
            return await super().page(stream, start, wait, limit, *more)

    async with AsyncClient(transport=lambda: Watched(memory_log(now))) as client:
        await client.streams.append(0, target=run)
        reader, seen = client.streams.read(run), []
        async for value in reader:
            seen.append(value)
            if value == 20:
                await client.streams.close(target=run)
            else:
                await client.streams.append(value + 1, target=run)
    assert seen == list(range(21))
    assert reader.state == "closed"
    assert set(asked) == {0.0}
    assert len(asked) < 5


async def test_a_reader_of_a_stream_begun_anew_reads_it_from_its_beginning(run: str) -> None:
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        await client.streams.append("old", target=run)
        reader = client.streams.read(run)
        assert await anext(reader) == "old"
        reading = asyncio.create_task(anext(reader))
        assert await client.streams.delete(run)
        await client.streams.append("new", target=run)
        assert await reading == "new"
        await reader.aclose()


async def test_a_silent_stream_ends_its_reader(run: str) -> None:
    async with AsyncClient(transport=lambda: DirectTransport(memory_log(now))) as client:
        await client.streams.append("x", target=run)
        reader = client.streams.read(run, timeout=0.2)
        assert [value async for value in reader] == ["x"]
        assert (reader.state, reader.closed, reader.next_index) == ("silent", None, 1)


def test_two_processes_may_share_a_folder(tmp_path: Path, run: str) -> None:
    """Here two clients, each with a store of its own on the same file."""

    def transport() -> DirectTransport:
        return DirectTransport(open_log(SqliteStore(tmp_path, new_id=new_id)))

    with Client(transport=transport) as one, Client(transport=transport) as other:
        reader = other.streams.read(run)
        one.streams.pipe(range(100), target=run, close=True)
        assert list(reader) == list(range(100))


@pytest.fixture
def inside(aws_place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place in AWS, for a process inside; the bucket says how long streams live."""
    for name, value in aws_place.environment().items():
        monkeypatch.setenv(name, value)
    aws_place.tag({"retention-days": "1", "stream-max-bytes": "1000"})
    return aws_place


def days(info: StreamInfo) -> float:
    assert info.last_append is not None
    return (info.expires - info.last_append) / DAY_MS


def test_a_producer_inside_aws_needs_no_server(inside: Place, run: str) -> None:
    with Client.direct(bucket=inside.bucket, table=inside.table) as client:
        client.streams.pipe("words", range(50), target=run, close=True)
        found: list[int] = []
        reader = client.streams.read(run, "words")
        found.extend(reader)
        assert found == list(range(50))
        wait_until(lambda: reader.state == "closed")


def test_a_direct_client_has_the_limits_of_the_deployment(inside: Place, run: str) -> None:
    with Client.direct(bucket=inside.bucket, table=inside.table) as client:
        client.streams.append("words", "x", target=run)
        assert days(client.streams.describe(run, "words")) == 1
        with pytest.raises(StreamFull):
            client.streams.append("words", "x" * 1000, target=run)


async def test_so_has_an_async_one(inside: Place, run: str) -> None:
    async with AsyncClient.direct(bucket=inside.bucket, table=inside.table) as client:
        await client.streams.append("more", "x", target=run)
        assert days(await client.streams.describe(run, "more")) == 1


def test_limits_that_are_given_win_over_the_environment_and_that_over_the_bucket(
    inside: Place, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNSTREAMS_RETENTION_DAYS", "2")
    where = {"bucket": inside.bucket, "table": inside.table}
    with Client.direct(**where) as by_environment, Client.direct(**where, retention_days=3) as own:
        for client, expected in ((by_environment, 2), (own, 3)):
            client.streams.append("x", target=run)
            assert days(client.streams.describe(run)) == expected


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_limits_that_make_no_sense_are_refused_at_once(
    kind: type[Client | AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSetting, match="RUNSTREAMS_RETENTION_DAYS: 0 is not between"):
        kind.direct(bucket="b", table="t", retention_days=0)
    monkeypatch.setenv("RUNSTREAMS_STREAM_MAX_BYTES", "much")
    with pytest.raises(InvalidSetting, match="RUNSTREAMS_STREAM_MAX_BYTES: 'much' is not"):
        kind.direct(bucket="b", table="t")


@pytest.mark.parametrize("name", ["LINGER_MS", "POLL_MS", "SHORT_CLIENTS", "SPREAD"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_so_is_whatever_else_the_environment_says(
    kind: type[Client | AsyncClient], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RUNSTREAMS_{name}", "much")
    with pytest.raises(InvalidSetting, match=f"RUNSTREAMS_{name}: 'much' is"):
        kind.direct(bucket="b", table="t")


def test_a_direct_client_that_cannot_see_the_limits_does_not_guess(inside: Place, run: str) -> None:
    with (
        Client.direct(bucket=f"{inside.bucket}-other", table=inside.table) as client,
        pytest.raises(InvalidSetting, match="allow s3:GetBucketTagging"),
    ):
        client.streams.append("x", target=run)


@pytest.mark.timeout(60)
def test_a_writer_that_cannot_even_begin_hears_of_it(inside: Place, run: str) -> None:
    with Client.direct(bucket=f"{inside.bucket}-other", table=inside.table) as client:
        writer = client.streams.writer(target=run)
        writer.write("x")
        with pytest.raises(InvalidSetting, match="allow s3:GetBucketTagging"):
            writer.drain()
