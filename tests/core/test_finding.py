"""Which streams of a run are found."""

import pytest

from runstreams.core.finding import Finder
from runstreams.core.limits import DAY_MS, Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, StreamId
from runstreams.core.observing import Observer
from runstreams.core.reading import Lookup
from runstreams.core.waiting import Watches
from runstreams.stores.memory import MemoryStore

LIFE = 2 * DAY_MS
LIMITS = Limits(retention_ms=LIFE)


async def found(after: int) -> list[str]:
    """Return what is found so long after the last of two appends, when the first writer's clock was
    a second ahead.
    """
    ids = iter(range(99))
    now = [1_000]
    store = MemoryStore(lambda: f"{next(ids):032x}")
    log = Log(
        store,
        limits=LIMITS,
        clock=lambda: now[0],
        new_id=lambda: f"{next(ids):032x}",
        background=False,
    )
    for time in (2_000, 1_000):
        await log.append(StreamId("run", "key"), Batch(b"1\n", 1, time))
    now[0] += after
    watches = Watches(Lookup(store, LIMITS, log.clock), log.clock, Observer())
    finder = Finder(store, watches, log.runs, LIMITS, log.clock, "run")
    return await finder.keys(())


@pytest.mark.parametrize(
    ("after", "keys"), [(0, ["key"]), (LIFE + 999, ["key"]), (LIFE + 1_000, [])]
)
async def test_a_stream_is_found_until_its_newest_chunk_is_forgotten(
    after: int, keys: list[str]
) -> None:
    """Whatever the clock of its last writer said."""
    assert await found(after) == keys


async def test_what_is_forgotten_for_a_day_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("runstreams.stores.memory.MemoryHeads.get")
    assert await found(LIFE + DAY_MS) == []
