"""Without a server in between: the same SDK on the store itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runstreams import Client, Ended
from runstreams.aio import AsyncClient
from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.errors import ChunkTooLarge, NotThere, RunCompleted
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.stores.sqlite import SqliteStore
from tests.emulators.place import Place
from tests.http.serving import wait_until
from tests.sdk.scripted import memory_log


def now() -> int:
    import time

    return time.time_ns() // 1_000_000


def test_everything_is_done_in_the_process(run: str) -> None:
    with Client(transport=lambda: DirectTransport(memory_log(now))) as client:
        streams = client.streams
        with streams.run(run, parent="run_above") as inside:
            assert inside.root_id == "run_above"
            streams.pipe("words", range(3000))
            assert streams.append("logs", {"step": 1}) == 0
            streams.close("logs", status="failed", error="why")
        assert list(streams.read(run, "words")) == list(range(3000))
        assert [info.key for info in streams.list(run)] == ["logs", "words"]
        assert streams.describe(run, "logs").closed == Ended("failed", "why")
        assert list(streams.read(run, "words", start_index=2998)) == [2998, 2999]
        assert list(streams.read(run, "words", start_index="tail")) == []
        assert [found.id for found in streams.runs()] == [run]
        with pytest.raises(RunCompleted):
            streams.pipe("logs", [1], target=run).wait_until_complete()
        assert streams.delete(run, "logs")
        with pytest.raises(NotThere):
            streams.describe(run, "logs")


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


def test_two_processes_may_share_a_folder(tmp_path: Path, run: str) -> None:
    """Here two clients, each with a store of its own on the same file."""

    def transport() -> DirectTransport:
        from uuid import uuid4

        def new_id() -> str:
            return uuid4().hex

        store = SqliteStore(tmp_path, new_id=new_id)
        log = Log(store, limits=Limits(), clock=now, new_id=new_id, background=True)
        return DirectTransport(log)

    with Client(transport=transport) as one, Client(transport=transport) as other:
        reader = other.streams.read(run)
        one.streams.pipe(range(100), target=run, close=True)
        assert list(reader) == list(range(100))


def test_a_producer_inside_aws_needs_no_server(
    quick_aws_place: Place, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    for name, value in quick_aws_place.environment().items():
        monkeypatch.setenv(name, value)
    bucket, table = quick_aws_place.bucket, quick_aws_place.table
    with Client.direct(bucket=bucket, table=table) as client:
        client.streams.pipe("words", range(50), target=run, close=True)
        found: list[int] = []
        reader = client.streams.read(run, "words")
        found.extend(reader)
        assert found == list(range(50))
        wait_until(lambda: reader.state == "closed")
