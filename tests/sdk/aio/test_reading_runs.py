"""Readers of all streams of a run, of the async surface, at a real server."""

from typing import Any

import pytest

from runstreams.aio import AsyncClient, RunChunk, RunReader
from runstreams.errors import InvalidName, InvalidSetting
from tests.sdk.conftest import wait_until_idle
from tests.sdk.in_tasks import begin, done


async def everything(aclient: AsyncClient, run: str, **more: Any) -> list[tuple[str, int, Any]]:
    """Return what is read until the end: key, index and data."""
    reader = aclient.streams.read_run(run, **more)
    return [(chunk.key, chunk.index, chunk.data) async for chunk in reader]


@pytest.mark.also_deployed
async def test_all_streams_of_a_run_are_read_as_they_come(aclient: AsyncClient, run: str) -> None:
    async def work() -> list[tuple[str, int, Any]]:
        return await everything(aclient, run)

    reading = begin(work)
    async with aclient.streams.run(run):
        aclient.streams.pipe("answer", range(50))
        await aclient.streams.append("log", {"step": 1})
        aclient.streams.pipe("thoughts", range(3))
    found = await done(reading)
    assert [chunk for chunk in found if chunk[0] == "answer"] == [
        ("answer", n, n) for n in range(50)
    ]
    assert ("log", 0, {"step": 1}) in found
    assert len(found) == 54


@pytest.mark.also_deployed
async def test_a_reader_goes_on_where_another_was(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.pipe("a", range(5), target=run).wait_until_complete()
    await aclient.streams.append("b", "x", target=run)
    async with aclient.streams.read_run(run, start={"b": None}) as reader:
        async for chunk in reader:
            if chunk.index == 2:
                break
    assert reader.positions == {"a": 3}
    found = await everything(aclient, run, start=reader.positions, timeout=0)
    assert sorted(found) == [("a", 3, 3), ("a", 4, 4), ("b", 0, "x")]


async def test_a_reader_of_a_run_says_how_it_is_going(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.append("a", 1, target=run)
    await aclient.streams.close("a", target=run)
    reader = aclient.streams.read_run(run, timeout=0.5)
    assert isinstance(reader, RunReader)
    assert isinstance(await anext(reader), RunChunk)
    assert [chunk async for chunk in reader] == []
    assert reader.state == "silent"
    assert reader.closed["a"].status == "completed"
    assert repr(reader) == f"<RunReader {run}: silent, 1 streams>"


async def test_what_cannot_be_read_of_a_run_is_refused(aclient: AsyncClient, run: str) -> None:
    with pytest.raises(InvalidSetting):
        aclient.streams.read_run(run, timeout=-1)
    with pytest.raises(InvalidSetting):
        aclient.streams.read_run(run, start={"a": -1})
    with pytest.raises(InvalidName):
        aclient.streams.read_run("a/b")


async def test_a_reader_of_a_run_that_is_left_closes_its_connection(
    aclient: AsyncClient, run: str
) -> None:
    await aclient.streams.append("a", 1, target=run)
    async with aclient.streams.read_run(run, timeout=None) as reader:
        assert (await anext(reader)).data == 1
    wait_until_idle(aclient)
