"""Superseding chunks, on the async surface at a real server: what writers say and readers see."""

import pytest

from runstreams.aio import AsyncClient
from runstreams.errors import (
    IndexBeyondTail,
    InvalidChunk,
    InvalidIndex,
    InvalidSetting,
    RolledBack,
    WriterClosed,
)
from tests.sdk.aio.helpers import read


async def begin_anew(client: AsyncClient, run: str, index: int, *chunks: str) -> None:
    """Take the stream over, and write *chunks* in the place of those from *index* on."""
    async with await client.streams.take_over("k", target=run, close=True) as writer:
        writer.supersede(index)
        for chunk in chunks:
            await writer.write(chunk)


async def write(client: AsyncClient, run: str, *chunks: str) -> None:
    async with client.streams.writer("k", target=run) as writer:
        for chunk in chunks:
            await writer.write(chunk)


@pytest.mark.also_deployed
async def test_a_reader_that_begins_later_sees_what_counts_and_may_see_all(
    aclient: AsyncClient, run: str
) -> None:
    await write(aclient, run, "As", " it", " was")
    await begin_anew(aclient, run, 1, " it", " is")
    assert await read(aclient, run, "k") == ["As", " it", " is"]
    everything = aclient.streams.read(run, "k", superseded="keep", chunks=True)
    assert [chunk.index async for chunk in everything] == [0, 1, 2, 3, 4]
    of_run = aclient.streams.read_run(run, timeout=1)
    assert [chunk.index async for chunk in of_run] == [0, 3, 4]


async def test_a_live_reader_is_told_what_to_take_back_and_goes_on(
    aclient: AsyncClient, run: str
) -> None:
    await write(aclient, run, "As", " it", " was")
    reader, seen = aclient.streams.read(run, "k"), list[str]()
    for _ in range(3):
        seen.append(await anext(reader))
    await begin_anew(aclient, run, 1, " it", " is")
    with pytest.raises(RolledBack) as back:
        await anext(reader)
    assert (back.value.key, back.value.index, back.value.kept) == ("k", 1, 1)
    del seen[back.value.kept :]
    async for chunk in reader:
        seen.append(chunk)
    assert seen == ["As", " it", " is"]


@pytest.mark.parametrize(("index", "kept"), [(0, []), (1, ["As"]), (2, ["As"]), (3, ["As", " it"])])
async def test_what_was_not_given_as_it_is_no_chunk_as_defined_is_not_counted(
    aclient: AsyncClient, run: str, index: int, kept: list[str]
) -> None:
    await aclient.streams.append("k", "As", target=run)
    await aclient.streams.append("k", 0, target=run)
    await write(aclient, run, " it", " was")
    reader, seen = aclient.streams.define("k", str).read(run), list[str]()
    seen.append(await anext(reader))
    with pytest.raises(InvalidChunk):
        await anext(reader)
    for _ in range(2):
        seen.append(await anext(reader))
    await begin_anew(aclient, run, index, "so")
    with pytest.raises(RolledBack) as back:
        await anext(reader)
    assert seen[: back.value.kept] == kept
    assert await anext(reader) == "so"


async def test_a_live_reader_of_a_run_is_told_of_which_stream(
    aclient: AsyncClient, run: str
) -> None:
    await write(aclient, run, "As", " it", " was")
    await aclient.streams.append("other", 0, target=run)
    reader = aclient.streams.read_run(run, timeout=10)
    seen = [await anext(reader) for _ in range(4)]
    assert {chunk.key for chunk in seen} == {"k", "other"}
    await begin_anew(aclient, run, 0, "So")
    with pytest.raises(RolledBack) as back:
        await anext(reader)
    assert (back.value.key, back.value.index, back.value.kept) == ("k", 0, 0)
    assert (await anext(reader)).data == "So"


async def test_a_reader_that_keeps_all_is_told_nothing(aclient: AsyncClient, run: str) -> None:
    await write(aclient, run, "As")
    reader = aclient.streams.read(run, "k", superseded="keep")
    seen = [await anext(reader)]
    await begin_anew(aclient, run, 0, "So")
    assert [*seen, *[chunk async for chunk in reader]] == ["As", "So"]


async def test_what_is_written_before_is_superseded_as_well_and_nothing_twice(
    aclient: AsyncClient, run: str
) -> None:
    """In one go: what supersedes begins a batch of its own."""
    async with aclient.streams.writer("k", target=run, close=True) as writer:
        for chunk in ("As", " it", " wa\ud83d"):
            await writer.write(chunk)
        writer.supersede(1)
        for chunk in (" it", " is"):
            await writer.write(chunk)
    assert await read(aclient, run, "k") == ["As", " it", " is"]
    (span,) = (await aclient.streams.describe(run, "k")).superseded
    assert span.start == 1


async def test_a_writer_that_supersedes_and_writes_nothing_changes_nothing(
    aclient: AsyncClient, run: str
) -> None:
    await write(aclient, run, "As")
    await begin_anew(aclient, run, 0)
    assert await read(aclient, run, "k") == ["As"]


async def test_an_heir_is_given_what_counts(aclient: AsyncClient, run: str) -> None:
    await write(aclient, run, "As", " it", " was")
    for chunk in ("first", "second"):
        async with await aclient.streams.take_over("k", target=run) as writer:
            writer.supersede(1)
            await writer.write(chunk)
    async with await aclient.streams.take_over("k", target=run) as heir:
        assert (heir.next_index, await heir.stored()) == (5, ["As", "second"])


async def test_what_makes_no_sense_is_refused(aclient: AsyncClient, run: str) -> None:
    with pytest.raises(InvalidSetting):
        aclient.streams.read(run, "k", superseded="show")  # type: ignore[call-overload]
    writer = aclient.streams.writer("k", target=run)
    with pytest.raises(InvalidIndex):
        writer.supersede(-1)
    writer.supersede(1)
    await writer.write("there is none")
    writer.close()
    with pytest.raises(IndexBeyondTail):
        await writer.wait_until_complete()
    ended = aclient.streams.writer("k", target=run)
    ended.close()
    with pytest.raises(WriterClosed):
        ended.supersede(0)
