"""Readers of the async surface, at a real server."""

import time
from typing import Any

import pytest

from runstreams.aio import AsyncClient, Chunk, Closed
from runstreams.errors import InvalidChunk, InvalidSetting
from tests.sdk.aio.helpers import read, slowly, together
from tests.sdk.conftest import wait_until_idle
from tests.sdk.in_tasks import begin, done
from tests.sdk.test_values import Step, Token


@pytest.mark.also_deployed
async def test_parts_tell_all_that_is_known(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.append({"a": 1}, target=run)
    (chunk,) = [chunk async for chunk in aclient.streams.read(run, timeout=0, chunks=True)]
    assert isinstance(chunk, Chunk)
    assert (chunk.index, chunk.data) == (0, {"a": 1})
    assert chunk.id.endswith("-0")
    assert chunk.timestamp > 1_700_000_000_000


@pytest.mark.also_deployed
@pytest.mark.parametrize(
    ("start", "found"), [(3, [3, 4, 5]), (-2, [4, 5]), ("tail", []), (0, [0, 1, 2, 3, 4, 5])]
)
async def test_reading_begins_where_it_is_told(
    aclient: AsyncClient, run: str, start: Any, found: list[int]
) -> None:
    await aclient.streams.pipe(range(6), target=run).wait_until_complete()
    assert await read(aclient, run, start_index=start) == found


async def test_what_cannot_be_a_start_or_a_timeout_is_refused(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(InvalidSetting):
        aclient.streams.read(run, start_index="head")  # type: ignore[call-overload]
    with pytest.raises(InvalidSetting):
        aclient.streams.read(run, timeout=-1)
    with pytest.raises(InvalidSetting):
        aclient.streams.read(run, timeout=float("nan"))


@pytest.mark.also_deployed
async def test_reading_begins_before_writing(aclient: AsyncClient, run: str) -> None:
    async def work() -> list[Any]:
        return await read(aclient, run, timeout=10)

    reading = begin(work)
    aclient.streams.pipe(range(100), target=run, close=True)
    assert await done(reading) == list(range(100))


@pytest.mark.parametrize("how", ["close", "with", "drop", "break"])
async def test_a_reader_that_ends_early_closes_its_connection(
    aclient: AsyncClient, run: str, how: str
) -> None:
    await aclient.streams.append(1, target=run)
    reader = aclient.streams.read(run, timeout=None)
    assert await anext(reader) == 1
    if how == "close":
        await reader.aclose()
        assert [item async for item in reader] == []
    elif how == "with":
        async with reader:
            pass
    elif how == "drop":
        del reader
    else:
        del reader
        async for _ in aclient.streams.read(run, timeout=None):
            break
    wait_until_idle(aclient)


async def test_a_reader_says_how_it_is_going(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.append(1, target=run)
    reader = aclient.streams.read(run, timeout=10)
    assert reader.state in ("connecting", "live")
    await anext(reader)
    assert reader.state == "live"
    await aclient.streams.close(target=run)
    assert [item async for item in reader] == []
    assert reader.state == "closed"
    assert reader.closed == Closed("completed")


async def test_many_readers_and_writers_at_once(aclient: AsyncClient, run: str) -> None:
    async def one(number: int) -> None:
        async def follow(_: int) -> list[Any]:
            return await read(aclient, run, f"k{number}", timeout=10)

        piped = aclient.streams.pipe(f"k{number}", slowly(range(20)), target=run, close=True)
        assert await together(follow, range(2)) == [list(range(20))] * 2
        await piped.wait_until_complete()

    await together(one, range(10))


async def test_the_machines_clock_may_jump(
    aclient: AsyncClient, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter([86_400, -86_400, 10**9, 0] * 100)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    aclient.streams.pipe(range(100), target=run, close=True)
    assert await read(aclient, run, timeout=10) == list(range(100))


# Types


@pytest.mark.also_deployed
async def test_a_defined_stream_gives_back_its_type(aclient: AsyncClient, run: str) -> None:
    answer = aclient.streams.define("answer", Token)
    await answer.pipe([Token(text="a")], target=run).wait_until_complete()
    await answer.append(Token(text="b"), target=run)
    async with answer.writer(target=run, close=True) as writer:
        await writer.write(Token(text="c"))
    assert [token.text async for token in answer.read(run)] == ["a", "b", "c"]
    (chunk,) = [chunk async for chunk in answer.read(run, start_index=2, chunks=True)]
    assert chunk.data == Token(text="c")
    assert chunk.index == 2


async def test_types_may_be_dataclasses_and_generics_too(aclient: AsyncClient, run: str) -> None:
    steps = aclient.streams.define("steps", Step)
    await steps.append(Step("a", Step("b")), target=run)
    assert [step async for step in steps.read(run, timeout=0)] == [Step("a", Step("b"))]
    lists = aclient.streams.define("steps", dict[str, Any])
    assert [one async for one in lists.read(run, timeout=0)] == [
        {"name": "a", "inner": {"name": "b", "inner": None}}
    ]


async def test_a_chunk_that_is_not_as_defined_says_which(aclient: AsyncClient, run: str) -> None:
    aclient.streams.pipe("answer", [{"text": "a"}, {"no": 1}, {"text": "c"}], target=run)
    reader = aclient.streams.define("answer", Token).read(run, timeout=5)
    assert (await anext(reader)).text == "a"
    with pytest.raises(InvalidChunk, match="chunk 1") as caught:
        await anext(reader)
    assert caught.value.facts == {"index": 1}
    assert (await anext(reader)).text == "c"
    await reader.aclose()
