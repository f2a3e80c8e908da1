"""What is particular about heads in SQLite: only what is needed is read, and many clients cost
nothing.
"""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from runstreams.core.model import Closed, Head, Sent
from runstreams.stores.sqlite.store import PLAN
from runstreams.stores.sqlite.writers import ONCE_KEPT
from tests.stores.sqlite_log import STREAM, SqliteLog, opened


async def head(log: SqliteLog, since: int = 0) -> Head:
    found = await log.store.heads.get(STREAM, since=since)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("since", "firsts"), [(0, [0, 2, 4]), (1, [0, 2, 4]), (2, [2, 4]), (5, [4]), (99, [4])]
)
async def test_a_head_brings_the_pointers_asked_for_and_always_the_newest(
    tmp_path: Path, since: int, firsts: list[int]
) -> None:
    """The newest one tells the effective time of the stream."""
    async with opened(tmp_path) as log:
        for _ in range(3):
            await log.append(count=2)
            log.now += 1
        found = await head(log, since)
        assert firsts == [pointer.first for pointer in found.pending]
        assert log.now - 1 == found.last_time


async def test_a_commit_answers_with_its_own_pointer(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"1")
        staged = []
        put = log.store.batches.put

        async def watched(stream, batch, *rest):  # type: ignore[no-untyped-def]
            staged.append(await put(stream, batch, *rest))
            return staged[-1]

        log.store.batches.put = watched  # type: ignore[method-assign]
        await log.append(b"2")
        assert staged[-1].object == (await head(log)).pending[-1].object


async def test_all_clients_stay_and_can_be_listed(tmp_path: Path) -> None:
    """A thousand one-shot writers later, the first one's resend is still recognised."""
    async with opened(tmp_path) as log:
        for at in range(1000):
            await log.append(b"1", f"client{at}", 0)
        assert (await log.append(b"1", "client0", 0)).duplicate
        clients = (await head(log)).clients
        assert len(clients) == 1000
        assert Sent(0, 7) == clients["client7"]
        assert "nobody" not in clients
        assert {f"client{at}": Sent(0, at) for at in range(1000)} == clients


async def test_sealing_keeps_the_latest_one_shot_appends(tmp_path: Path) -> None:
    """The oldest are forgotten, so that they do not gather in a stream without end."""
    async with opened(tmp_path, plan=replace(PLAN, every=ONCE_KEPT + 100, batches=10_000)) as log:
        for at in range(ONCE_KEPT + 100):
            await log.append(b"1", once=f"key{at}")
        once = (await head(log)).once
        assert {f"key{at}" for at in range(100, ONCE_KEPT + 100)} == set(once)
        assert (await log.append(b"1", once="key100")).duplicate


async def test_a_deleted_stream_leaves_no_rows(tmp_path: Path) -> None:
    """Used again, its name starts at 0."""
    async with opened(tmp_path) as log:
        for at in range(600):
            await log.append(b"1", f"client{at}", 0, once=f"key{at}")
        assert await log.log.delete(STREAM)
        database = sqlite3.connect(tmp_path / "streams.sqlite")
        for table in ("heads", "batches", "clients", "once", "segments", "gone"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        database.close()
        assert (await log.append(b"2")).first == 0
        assert [chunk.data for chunk in await log.everything()] == [b"2"]


@pytest.mark.parametrize("size", [10, 5_000])
async def test_readers_see_the_same_before_and_after_sealing_and_closing(
    tmp_path: Path, size: int
) -> None:
    """With small batches and with large ones, which are read on other threads."""
    async with opened(tmp_path, plan=replace(PLAN, every=64, segment_bytes=100_000)) as log:
        expected = []
        for at in range(500):
            data = b"%d" % at + b"0" * size
            await log.append(data, "client", 3 * at, count=3)
            expected += [data] * 3
        assert expected == [chunk.data for chunk in await log.everything()]
        await log.log.close(STREAM, Closed("completed"))
        chunks = await log.everything()
        assert expected == [chunk.data for chunk in chunks]
        assert list(range(1500)) == [chunk.index for chunk in chunks]
        assert (await head(log)).unsealed == 0


async def test_a_look_is_remembered_until_anybody_commits(tmp_path: Path) -> None:
    """Readers that one commit has woken share a look, and none misses the next commit."""
    async with opened(tmp_path) as log, opened(tmp_path) as other:
        await log.append(b"1")
        first = await head(log)
        assert first is await head(log)
        assert first is not await head(log, 1)
        await other.append(b"2")
        assert (await head(log)).tail == 2
        await log.append(b"3")
        assert (await head(log)).tail == 3
