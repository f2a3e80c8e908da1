"""Heads that a process remembers between transactions, and appends that are written together."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from runstreams.core.errors import StreamClosed
from runstreams.core.model import Batch, Closed, Pointer
from runstreams.core.ports import Staged
from runstreams.stores.sqlite import appends, batches, recent
from runstreams.stores.sqlite.recent import RecentBatches
from tests.stores.sqlite_log import STREAM, opened


async def test_what_another_process_appends_is_seen_by_the_next_append(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        for at in range(20):
            log = (one, other)[at % 2]
            assert (await log.append(b"%d" % at, "client", at)).first == at
        assert [chunk.data for chunk in await one.everything()] == [b"%d" % at for at in range(20)]


async def test_a_client_twice_in_one_transaction_is_known_the_second_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"0", "client", 0)
        answers = await asyncio.gather(
            log.append(b"1", "client", 1),
            log.append(b"2", "client", 2),
            log.append(b"1", "client", 1),
        )
        assert [answer.duplicate for answer in answers] == [False, False, True]
        assert [chunk.data for chunk in await log.everything()] == [b"0", b"1", b"2"]


async def test_a_one_shot_append_sent_twice_at_once_counts_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"0")
        answers = await asyncio.gather(*(log.append(b"1", once="key") for _ in range(5)))
        assert sorted(answer.duplicate for answer in answers) == [False, True, True, True, True]
        assert {answer.last for answer in answers} == {1}


async def test_what_closes_between_two_appends_of_a_transaction_stands_between_them(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"0")
        life = log.log.limits.retention_ms
        first, _, last = await asyncio.gather(
            log.append(b"1"),
            log.store.heads.close(STREAM, Closed("completed"), log.now, log.now + life),
            log.append(b"2"),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert isinstance(last, StreamClosed)
        assert [chunk.data for chunk in await log.everything()] == [b"0", b"1"]


async def test_many_streams_and_clients_are_forgotten_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("HEADS_KEPT", "POINTERS_KEPT", "WRITERS_KEPT"):
        monkeypatch.setattr(appends, limit, 3)
    async with opened(tmp_path) as log:
        for at in range(30):
            client = f"client{at % 5}"
            assert (await log.append(b"%d" % at, client, at // 5)).first == at
        assert len(await log.everything()) == 30


async def test_a_transaction_that_fails_leaves_nothing_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as log:
        await log.append(b"0", "client", 0)

        def full(connection: object, rows: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as broken:
            broken.setattr(batches, "insert", full)
            with pytest.raises(sqlite3.OperationalError):
                await log.append(b"1", "client", 1)
        assert (await log.append(b"1", "client", 1)).first == 1
        assert [chunk.data for chunk in await log.everything()] == [b"0", b"1"]


def staged(name: str, size: int) -> Staged:
    return Staged(name, Batch(b"x" * size + b"\n", 1, 0))


def pointer(name: str) -> Pointer:
    return Pointer(name, 0, 1, 1, 0, 0)


def test_recent_batches_are_found_together_or_not_at_all() -> None:
    kept = RecentBatches()
    kept.keep(staged("a", 1))
    kept.keep(staged("b", 1))
    found = kept.find([pointer("a"), pointer("b")])
    assert found is not None
    assert [batch.lines for batch in found] == [b"x\n", b"x\n"]
    kept.drop("a")
    assert kept.find([pointer("a"), pointer("b")]) is None
    kept.drop("a")


def test_recent_batches_take_no_more_memory_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_BYTES", 100)
    kept = RecentBatches()
    for name in "abc":
        kept.keep(staged(name, 49))
    assert kept.find([pointer("a")]) is None
    assert kept.find([pointer("b"), pointer("c")]) is not None
    kept.keep(staged("d", recent.LARGE_BYTES + 1))
    assert kept.find([pointer("d")]) is None
    assert kept.find([pointer("c")]) is not None
