"""The server sweeps its folder at start, so what has expired does not stay for ever."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from runstreams.core.errors import Busy, StoreFull
from runstreams.core.limits import DAY_MS, Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, StreamId
from runstreams.serve import sweeping
from runstreams.serve.sweeping import MARGIN_MS, keep_swept
from runstreams.stores.sqlite import SqliteStore
from runstreams.wiring import new_id

from .process import ServerProcess

LIMITS = Limits()


class Store:
    """Remembers when it was swept, and fails as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.swept: list[int] = []
        self.enough = asyncio.Event()
        self._failures = list(failures)

    async def sweep(self, now: int, limits: Limits) -> str:
        self.swept.append(now)
        if self._failures:
            raise self._failures.pop(0)
        self.enough.set()
        return "everything"


async def test_a_sweep_that_fails_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweeping, "EVERY_SECONDS", 0)
    store = Store(Busy("in use"), StoreFull("no room"))
    task = asyncio.create_task(keep_swept(store, LIMITS, lambda: MARGIN_MS + 7))  # type: ignore[arg-type]
    await asyncio.wait_for(store.enough.wait(), 10)
    task.cancel()
    assert store.swept[:3] == [7, 7, 7]
    assert [record.message for record in caplog.records] == [
        "the sweep was broken off: in use",
        "the sweep was broken off: no room",
    ]


async def test_a_clock_that_is_set_back_after_a_sweep_finds_whole_streams(tmp_path: Path) -> None:
    """What a sweep has removed had expired by any clock that is less than an hour behind."""
    now, limits = 1_700_000_000_000, Limits(retention_ms=5_000)
    store = SqliteStore(tmp_path, new_id=new_id)
    log = Log(store, limits=limits, clock=lambda: now, new_id=new_id, background=False)
    stream = StreamId("run_1", "k")
    for _ in range(3):
        await log.append(stream, Batch(b"1\n", 1, now))
        now += 3_000
    swept = asyncio.create_task(keep_swept(store, limits, lambda: now))
    await asyncio.sleep(0.1)
    swept.cancel()
    now -= 6_000
    assert [chunk.index for chunk in (await log.read(stream)).chunks] == [0, 1, 2]
    await log.aclose()


async def test_a_store_that_needs_no_sweep_is_left_alone() -> None:
    await keep_swept(object(), LIMITS, lambda: 7)  # type: ignore[arg-type]


async def test_what_expired_while_no_server_ran_goes_at_the_next_start(tmp_path: Path) -> None:
    then = int(time.time() * 1000) - 29 * DAY_MS
    store = SqliteStore(tmp_path, new_id=new_id)
    log = Log(store, limits=LIMITS, clock=lambda: then, new_id=new_id, background=False)
    await log.append(StreamId("run_1", "k"), Batch(b"1\n", 1, then))
    await log.aclose()
    with ServerProcess(tmp_path), closing(sqlite3.connect(tmp_path / "streams.sqlite")) as file:
        async with asyncio.timeout(30):
            while file.execute("SELECT count(*) FROM heads").fetchone() != (0,):
                await asyncio.sleep(0.05)
