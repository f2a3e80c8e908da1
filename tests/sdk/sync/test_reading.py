# Written by scripts/unasync.py: change tests/sdk/aio/test_reading.py, then `make format`.
"""Readers of the sync surface, at a real server."""

import time
from typing import Any

import pytest

from runstreams import Chunk, Client, Closed
from runstreams.errors import InvalidChunk, InvalidSetting
from tests.sdk.conftest import wait_until_idle
from tests.sdk.in_threads import begin, done
from tests.sdk.sync.helpers import read, slowly, together
from tests.sdk.test_values import Step, Token


@pytest.mark.also_deployed
def test_parts_tell_all_that_is_known(client: Client, run: str) -> None:
    client.streams.append({"a": 1}, target=run)
    (chunk,) = [chunk for chunk in client.streams.read(run, timeout=0, chunks=True)]
    assert isinstance(chunk, Chunk)
    assert (chunk.index, chunk.data) == (0, {"a": 1})
    assert chunk.id.endswith("-0")
    assert chunk.timestamp > 1_700_000_000_000


@pytest.mark.also_deployed
@pytest.mark.parametrize(
    ("start", "found"), [(3, [3, 4, 5]), (-2, [4, 5]), ("tail", []), (0, [0, 1, 2, 3, 4, 5])]
)
def test_reading_begins_where_it_is_told(
    client: Client, run: str, start: Any, found: list[int]
) -> None:
    client.streams.pipe(range(6), target=run).wait_until_complete()
    assert read(client, run, start_index=start) == found


def test_what_cannot_be_a_start_or_a_timeout_is_refused(client: Client, run: str) -> None:
    with pytest.raises(InvalidSetting):
        client.streams.read(run, start_index="head")  # type: ignore[call-overload]
    with pytest.raises(InvalidSetting):
        client.streams.read(run, timeout=-1)
    with pytest.raises(InvalidSetting):
        client.streams.read(run, timeout=float("nan"))


@pytest.mark.also_deployed
def test_reading_begins_before_writing(client: Client, run: str) -> None:
    def work() -> list[Any]:
        return read(client, run, timeout=10)

    reading = begin(work)
    client.streams.pipe(range(100), target=run, close=True)
    assert done(reading) == list(range(100))


@pytest.mark.parametrize("how", ["close", "with", "drop", "break"])
def test_a_reader_that_ends_early_closes_its_connection(client: Client, run: str, how: str) -> None:
    client.streams.append(1, target=run)
    reader = client.streams.read(run, timeout=None)
    assert next(reader) == 1
    if how == "close":
        reader.close()
        assert [item for item in reader] == []
    elif how == "with":
        with reader:
            pass
    elif how == "drop":
        del reader
    else:
        del reader
        for _ in client.streams.read(run, timeout=None):
            break
    wait_until_idle(client)


def test_a_reader_says_how_it_is_going(client: Client, run: str) -> None:
    client.streams.append(1, target=run)
    reader = client.streams.read(run, timeout=10)
    assert reader.state in ("connecting", "live")
    next(reader)
    assert reader.state == "live"
    client.streams.close(target=run)
    assert [item for item in reader] == []
    assert reader.state == "closed"
    assert reader.closed == Closed("completed")


def test_many_readers_and_writers_at_once(client: Client, run: str) -> None:
    def one(number: int) -> None:
        def follow(_: int) -> list[Any]:
            return read(client, run, f"k{number}", timeout=10)

        piped = client.streams.pipe(f"k{number}", slowly(range(20)), target=run, close=True)
        assert together(follow, range(2)) == [list(range(20))] * 2
        piped.wait_until_complete()

    together(one, range(10))


def test_the_machines_clock_may_jump(
    client: Client, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter([86_400, -86_400, 10**9, 0] * 100)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    client.streams.pipe(range(100), target=run, close=True)
    assert read(client, run, timeout=10) == list(range(100))


# Types


@pytest.mark.also_deployed
def test_a_defined_stream_gives_back_its_type(client: Client, run: str) -> None:
    answer = client.streams.define("answer", Token)
    answer.pipe([Token(text="a")], target=run).wait_until_complete()
    answer.append(Token(text="b"), target=run)
    with answer.writer(target=run, close=True) as writer:
        writer.write(Token(text="c"))
    assert [token.text for token in answer.read(run)] == ["a", "b", "c"]
    (chunk,) = [chunk for chunk in answer.read(run, start_index=2, chunks=True)]
    assert chunk.data == Token(text="c")
    assert chunk.index == 2


def test_types_may_be_dataclasses_and_generics_too(client: Client, run: str) -> None:
    steps = client.streams.define("steps", Step)
    steps.append(Step("a", Step("b")), target=run)
    assert [step for step in steps.read(run, timeout=0)] == [Step("a", Step("b"))]
    lists = client.streams.define("steps", dict[str, Any])
    assert [one for one in lists.read(run, timeout=0)] == [
        {"name": "a", "inner": {"name": "b", "inner": None}}
    ]


def test_a_chunk_that_is_not_as_defined_says_which(client: Client, run: str) -> None:
    client.streams.pipe("answer", [{"text": "a"}, {"no": 1}, {"text": "c"}], target=run)
    reader = client.streams.define("answer", Token).read(run, timeout=5)
    assert (next(reader)).text == "a"
    with pytest.raises(InvalidChunk, match="chunk 1") as caught:
        next(reader)
    assert caught.value.facts == {"index": 1}
    assert (next(reader)).text == "c"
    reader.close()
