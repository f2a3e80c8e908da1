"""The sweep removes what has expired and what nobody refers to, and nothing else."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import IndexExpired
from runstreams.core.forking import Wish
from runstreams.core.limits import DAY_MS
from runstreams.core.model import SegmentName, Sent, StreamId
from runstreams.stores.sqlite import Swept, sweep
from runstreams.stores.sqlite.store import PLAN
from tests.beginnings import beginning
from tests.stores.sqlite_log import STREAM, SqliteLog, opened

OTHER = StreamId("other", "key")
NOTHING = Swept(0, 0, 0, 0)
SEALING = replace(PLAN, every=4, segment_bytes=10_000)


def rows(folder: Path, table: str) -> int:
    """Return how many rows there are, as another process sees them."""
    database = sqlite3.connect(folder / "streams.sqlite")
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    database.close()
    return int(count)


async def swept(log: SqliteLog) -> Swept:
    return await log.store.sweep(log.now, log.limits)


async def test_an_expired_stream_goes_with_all_its_rows(tmp_path: Path) -> None:
    """And its run's record a retention period later; a younger stream stays."""
    async with opened(tmp_path, plan=SEALING) as log:
        for number in range(10):
            await log.append(b"1", "client", number, once=f"key{number}")
        log.now += 27 * DAY_MS
        await log.append(b"2", stream=OTHER)
        assert await swept(log) == NOTHING

        log.now += DAY_MS
        assert Swept(streams=1, segments=2, runs=0, pages=0) == await swept(log)
        assert rows(tmp_path, "heads") == 1
        assert rows(tmp_path, "batches") == 1
        for table in ("clients", "once", "segments", "gone"):
            assert (table, 0) == (table, rows(tmp_path, table))
        assert [chunk.data for chunk in await log.everything(OTHER)] == [b"2"]
        assert await swept(log) == NOTHING

        log.now += 28 * DAY_MS
        assert Swept(streams=1, segments=0, runs=1, pages=0) == await swept(log)


async def test_of_a_living_stream_the_expired_segments_go(tmp_path: Path) -> None:
    """Its indexes stay as they are."""
    async with opened(tmp_path, plan=SEALING) as log:
        for _ in range(8):
            await log.append(b"1")
            log.now += DAY_MS
        log.now += 22 * DAY_MS  # the first three chunks have expired now: not all of a segment
        await log.append(b"2")
        assert await swept(log) == NOTHING
        log.now += DAY_MS
        assert Swept(streams=0, segments=1, runs=0, pages=0) == await swept(log)
        page = await log.log.read(STREAM)
        assert [chunk.index for chunk in page.chunks] == [4, 5, 6, 7, 8]
        with pytest.raises(IndexExpired) as raised:
            await log.log.read(STREAM, 3)
        assert raised.value.facts == {"first_index": 4}


async def test_of_a_living_stream_the_expired_unsealed_batches_go(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"1", count=3)
        await log.append(b"2")
        log.now += 28 * DAY_MS - 1
        await log.append(b"3")
        assert await swept(log) == NOTHING
        assert rows(tmp_path, "batches") == 3
        log.now += 1
        assert await swept(log) == NOTHING
        assert rows(tmp_path, "batches") == 1
        described = await log.log.describe(STREAM)
        assert described is not None
        assert (described.first_index, described.tail) == (4, 5)
        assert [chunk.data for chunk in (await log.log.read(STREAM)).chunks] == [b"3"]
        await log.append(b"4")
        assert [chunk.index for chunk in (await log.log.read(STREAM)).chunks] == [4, 5]


async def test_segments_that_no_head_knows_go(tmp_path: Path) -> None:
    """They are what is left of a deletion that was broken off."""
    async with opened(tmp_path) as log:
        await log.append(b"1")
        name = SegmentName("dead", 0, 0, log.now)
        await log.store.segments.put(STREAM, name, b"old")
        await log.store.segments.put(OTHER, name, b"old")
        assert Swept(streams=0, segments=2, runs=0, pages=0) == await swept(log)
        assert [chunk.data for chunk in await log.everything()] == [b"1"]


async def test_a_deletion_that_was_broken_off_is_finished(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        for number in range(20):
            await log.append(b"1", "client", number)
        database = sqlite3.connect(tmp_path / "streams.sqlite")
        with database:
            database.execute("INSERT INTO gone SELECT id FROM heads")
            database.execute("DELETE FROM heads")
        database.close()
        await swept(log)
        for table in ("batches", "clients", "gone"):
            assert (table, 0) == (table, rows(tmp_path, table))


async def test_a_name_used_again_before_the_sweep_is_not_swept(tmp_path: Path) -> None:
    """Only the expired generation's rows go."""
    async with opened(tmp_path, plan=SEALING) as log:
        for number in range(6):
            await log.append(b"old", "client", number)
        log.now += 28 * DAY_MS
        for number in range(6):
            await log.append(b"new", "client", number)
        assert Swept(streams=0, segments=1, runs=0, pages=0) == await swept(log)
        assert [chunk.data for chunk in await log.everything()] == [b"new"] * 6
        assert rows(tmp_path, "clients") == 1


async def chained(log: SqliteLog) -> tuple[StreamId, StreamId]:
    """Fork the stream, which has a few chunks, and the fork, which has one; return both forks."""
    forks = StreamId("run", "fork"), StreamId("run", "second")
    for source, stream in zip((STREAM, forks[0]), forks, strict=True):
        await log.append(b"1", stream=source)
        await log.log.fork(stream, Wish(source, ttl_ms=DAY_MS), beginning(Entry()))
    return forks


async def test_what_forks_need_is_not_swept_and_goes_with_them(tmp_path: Path) -> None:
    """Though the head of the stream that they come from is gone, and that of the first fork."""
    async with opened(tmp_path) as log:
        first, second = await chained(log)
        await log.log.delete(STREAM)
        log.now += DAY_MS - 1
        head = await log.log.head(second)
        assert head is not None
        await log.log.use(second, head)
        log.now += 1
        assert await log.log.head(first) is None
        assert (await swept(log)).streams == 1
        assert [chunk.index for chunk in await log.everything(second)] == [0, 1]

        log.now += DAY_MS
        swept_by_now = await swept(log)
        assert (swept_by_now.streams, swept_by_now.segments) == (1, 2)
        for table in ("heads", "segments", "forks"):
            assert (table, 0) == (table, rows(tmp_path, table))


async def test_a_stream_that_forks_need_goes_when_its_chunks_are_too_old(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"1")
        log.now += DAY_MS
        fork = StreamId("run", "fork")
        await log.log.fork(fork, Wish(STREAM), beginning(Entry()))
        await log.log.delete(STREAM)
        log.now += 27 * DAY_MS
        await log.append(b"2", stream=fork)
        await swept(log)
        assert (rows(tmp_path, "segments"), rows(tmp_path, "forks")) == (0, 1)
        log.now += DAY_MS
        await swept(log)
        assert (rows(tmp_path, "heads"), rows(tmp_path, "forks")) == (1, 0)
        page = await log.log.read(fork)
        assert [chunk.index for chunk in page.chunks] == [1]


async def test_expired_clients_outside_of_heads_go(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.store.heads.spill(STREAM, "generation", {"client": Sent(1, 2)}, log.now + 1)
        await swept(log)
        assert rows(tmp_path, "spilled") == 1
        log.now += 1
        await swept(log)
        assert rows(tmp_path, "spilled") == 0


async def test_space_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SPARE_PAGES", 10)
    async with opened(tmp_path) as log:
        for number in range(20):
            await log.append(b"0" * 500_000, "client", number)
        await log.append(b"1", stream=OTHER)
        await log.log.delete(STREAM)
        assert (await swept(log)).pages > 1000
        assert await swept(log) == NOTHING
        assert [chunk.data for chunk in await log.everything(OTHER)] == [b"1"]
    assert (tmp_path / "streams.sqlite").stat().st_size < 5_000_000


async def test_sweeps_of_several_processes_and_appends_do_not_disturb_one_another(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, plan=SEALING) as log, opened(tmp_path, plan=SEALING) as other:
        for at in range(300):
            await log.append(b"1", stream=StreamId("old", f"{at}"))
        log.now = other.now = log.now + 28 * DAY_MS

        async def append() -> None:
            for number in range(300):
                await log.append(b"2", "client", number)

        first, second, _ = await asyncio.gather(swept(log), swept(other), append())
        assert first.streams + second.streams == 300
        assert rows(tmp_path, "heads") == 1
        assert list(range(300)) == [chunk.index for chunk in await log.everything()]
