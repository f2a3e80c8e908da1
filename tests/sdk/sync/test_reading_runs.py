# Written by scripts/unasync.py: change tests/sdk/aio/test_reading_runs.py, then `make format`.
"""Readers of all streams of a run, of the sync surface, at a real server."""

from typing import Any

import pytest

from runstreams import Client, RunChunk, RunReader
from runstreams.errors import InvalidName, InvalidSetting
from tests.sdk.conftest import wait_until_idle
from tests.sdk.in_threads import begin, done


def everything(client: Client, run: str, **more: Any) -> list[tuple[str, int, Any]]:
    """Return what is read until the end: key, index and data."""
    reader = client.streams.read_run(run, **more)
    return [(chunk.key, chunk.index, chunk.data) for chunk in reader]


@pytest.mark.also_deployed
def test_all_streams_of_a_run_are_read_as_they_come(client: Client, run: str) -> None:
    def work() -> list[tuple[str, int, Any]]:
        return everything(client, run)

    reading = begin(work)
    with client.streams.run(run):
        client.streams.pipe("answer", range(50))
        client.streams.append("log", {"step": 1})
        client.streams.pipe("thoughts", range(3))
    found = done(reading)
    assert [chunk for chunk in found if chunk[0] == "answer"] == [
        ("answer", n, n) for n in range(50)
    ]
    assert ("log", 0, {"step": 1}) in found
    assert len(found) == 54


@pytest.mark.also_deployed
def test_a_reader_goes_on_where_another_was(client: Client, run: str) -> None:
    client.streams.pipe("a", range(5), target=run).wait_until_complete()
    client.streams.append("b", "x", target=run)
    with client.streams.read_run(run, start={"b": None}) as reader:
        for chunk in reader:
            if chunk.index == 2:
                break
    assert reader.positions == {"a": 3}
    found = everything(client, run, start=reader.positions, timeout=0)
    assert sorted(found) == [("a", 3, 3), ("a", 4, 4), ("b", 0, "x")]


def test_a_reader_of_a_run_says_how_it_is_going(client: Client, run: str) -> None:
    client.streams.append("a", 1, target=run)
    client.streams.close("a", target=run)
    reader = client.streams.read_run(run, timeout=0.5)
    assert isinstance(reader, RunReader)
    assert isinstance(next(reader), RunChunk)
    assert [chunk for chunk in reader] == []
    assert reader.state == "silent"
    assert reader.closed["a"].status == "completed"
    assert repr(reader) == f"<RunReader {run}: silent, 1 streams>"


def test_what_cannot_be_read_of_a_run_is_refused(client: Client, run: str) -> None:
    with pytest.raises(InvalidSetting):
        client.streams.read_run(run, timeout=-1)
    with pytest.raises(InvalidSetting):
        client.streams.read_run(run, start={"a": -1})
    with pytest.raises(InvalidName):
        client.streams.read_run("a/b")


def test_a_reader_of_a_run_that_is_left_closes_its_connection(client: Client, run: str) -> None:
    client.streams.append("a", 1, target=run)
    with client.streams.read_run(run, timeout=None) as reader:
        assert (next(reader)).data == 1
    wait_until_idle(client)
