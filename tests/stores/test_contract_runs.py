"""What users are promised of runs, against every store: how they end, and how they are listed."""

import asyncio
from typing import get_args
from unittest.mock import patch

import pytest

from runstreams.core import runs
from runstreams.core.errors import CompletedDifferently, RunCompleted, TooManyStreams
from runstreams.core.leasing import Claim
from runstreams.core.limits import DAY_MS, LEASE_GRACE_MS, Limits
from runstreams.core.log import Log
from runstreams.core.model import Closed, RunPage, RunStatus, Status, StreamId
from runstreams.core.runs import place_of
from tests.stores.conftest import Kept

STREAM = StreamId("run", "key")


async def test_runs_are_listed_newest_first_page_by_page(kept: Kept) -> None:
    for number in range(25):
        await kept.append(StreamId(f"run_{number:02d}", "key"), b"1")
        kept.now += 1 if number % 3 else 0  # some at the same time
    assert await listed(kept, 10) == [f"run_{number:02d}" for number in reversed(range(25))]


async def listed(kept: Kept, limit: int, status: RunStatus | None = None) -> list[str]:
    """Return all runs of a *status*, page by page."""
    page = await kept.log.runs.page(limit, None, status)
    found = page.runs
    while page.next is not None:
        page = await kept.log.runs.page(limit, place_of(page.next), status)
        found += page.runs
    return [run.id for run in found]


async def test_runs_are_listed_by_how_they_are(kept: Kept) -> None:
    """Whatever page one takes, none is left out and none comes twice."""
    for number, status in enumerate((*get_args(Status), "lost", "running") * 3):
        run, claim = f"{status}-{number}", Claim("c", 60_000)
        await kept.log.runs.register(run, None, None, claim if status == "lost" else None)
        if status in get_args(Status):
            await kept.log.complete_run(run, status)
        kept.now += 1
    kept.now += 60_000 + LEASE_GRACE_MS
    everything = await listed(kept, 100)
    assert len(everything) == 15
    for status in get_args(RunStatus):
        expected = [run for run in everything if run.startswith(status)]
        for limit in (1, 2, 3, 4, 100):
            assert await listed(kept, limit, status) == expected


async def test_a_page_of_runs_looks_at_so_many_and_says_where_to_go_on(kept: Kept) -> None:
    for number in range(5):
        await kept.log.runs.register(f"{number}", None, None)
        kept.now += 1
    with patch.object(runs, "LIST_SCANNED", 3):
        page = await kept.log.runs.page(1, None, "failed")
        assert page.runs == []
        assert page.next is not None
        assert place_of(page.next)[1] == "2"
        page = await kept.log.runs.page(1, place_of(page.next), "failed")
        assert page == RunPage([], None)


async def test_a_run_ends_as_its_first_completion_says_and_its_streams_with_it(kept: Kept) -> None:
    await kept.append(STREAM, b"0")
    first = await kept.log.complete_run("run", "failed", "it broke")
    assert (first.status, first.error, first.completed) == ("failed", "it broke", kept.now)
    kept.now += 1
    assert await kept.log.complete_run("run", "failed", "again") == first
    with pytest.raises(CompletedDifferently) as differently:
        await kept.log.complete_run("run")
    assert differently.value.status == "failed"
    assert await kept.log.runs.get("run") == first
    assert (await kept.log.read(STREAM)).closed == Closed("failed", "it broke")


async def test_whoever_completes_a_run_otherwise_finishes_what_the_first_left(kept: Kept) -> None:
    """The first died when it had marked the run; its streams close as it said."""
    await kept.append(STREAM, b"0")
    await kept.log.runs.complete("run", "canceled")
    with pytest.raises(CompletedDifferently):
        await kept.log.complete_run("run")
    assert (await kept.log.read(STREAM)).closed == Closed("canceled")


async def test_a_run_whose_producer_was_lost_is_lost_until_it_is_heard_of_again(kept: Kept) -> None:
    book, claim = kept.log.runs, Claim("c", 60_000)

    async def status() -> tuple[str, int | None]:
        run = await book.get("run")
        assert run is not None
        return run.status, run.leased_until

    await book.register("run", None, None, claim)
    until = kept.now + 60_000
    kept.now = until + LEASE_GRACE_MS - 1
    assert await status() == ("running", until)
    kept.now += 1
    assert await status() == ("lost", until)
    await book.register("run", "parent", None, claim)
    assert await status() == ("running", kept.now + 60_000)
    await book.release("run", "c")
    kept.now += DAY_MS
    assert await status() == ("running", None)


async def test_a_lost_run_can_be_completed(kept: Kept) -> None:
    await kept.log.runs.register("run", None, None, Claim("c", 60_000))
    kept.now += DAY_MS
    done = await kept.log.complete_run("run", "failed")
    assert (done.status, done.leased_until) == ("failed", None)


# Streams of one run

FEW = Limits(run_streams=3)


async def opening(log: Log, *keys: str) -> list[TooManyStreams]:
    """Open streams of the run at once, and return what was refused."""
    opened = (log.create(StreamId("run", key)) for key in keys)
    answers = await asyncio.gather(*opened, return_exceptions=True)
    assert all(each is None or isinstance(each, TooManyStreams) for each in answers), answers
    return [each for each in answers if isinstance(each, TooManyStreams)]


async def test_of_openers_at_the_limit_as_many_get_in_as_may(kept: Kept) -> None:
    log = kept.another(FEW)
    refused = await opening(log, *(f"{number}" for number in range(32)))
    assert len(refused) == 32 - FEW.run_streams
    assert len(await log.streams("run", 100, None)) == FEW.run_streams
    assert {(each.limit, each.run) for each in refused} == {(FEW.run_streams, "run")}
    assert {each.retry_after for each in refused} == {28 * DAY_MS // 1000}


async def test_whoever_opens_the_last_stream_at_once_finds_it_open(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2")
    assert await opening(log, *["last"] * 32) == []


async def test_a_refused_append_leaves_nothing_and_the_next_run_has_room(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    with pytest.raises(TooManyStreams):
        await log.append(StreamId("run", "4"), kept.batch(b"1"))
    assert await log.describe(StreamId("run", "4")) is None
    assert (await log.append(StreamId("other", "4"), kept.batch(b"1"))).tail == 1


async def test_at_the_limit_what_is_open_goes_on_as_before(kept: Kept) -> None:
    """Whatever asks for a stream that is there opens none."""
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    head = await kept.store.heads.get(StreamId("run", "3"))
    record = await kept.store.runs.get("run")
    assert head is not None
    assert record is not None
    await kept.store.heads.open(StreamId("run", "3"), head, record, FEW)
    assert (await log.append(StreamId("run", "3"), kept.batch(b"1"))).tail == 1
    assert await kept.store.runs.get("run") == record


async def test_a_stream_that_was_deleted_counts_and_a_run_that_was_does_not(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    await log.delete(StreamId("run", "1"))
    assert len(await opening(log, "1")) == 1
    await log.delete_run("run")
    assert await opening(log, "1", "2", "3") == []


async def test_in_the_next_period_a_run_opens_streams_again(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    kept.now += FEW.retention_ms - 1000
    [refused] = await opening(log, "4")
    assert refused.retry_after == 1
    kept.now += 1000
    assert len(await opening(log, *(f"{number}" for number in range(4, 36)))) == 29


async def test_registering_a_run_does_not_begin_its_count_anew(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    await log.runs.register("run", "parent", None)
    assert len(await opening(log, "4")) == 1


async def test_that_a_run_is_completed_says_more_than_that_it_is_full(kept: Kept) -> None:
    log = kept.another(FEW)
    await opening(log, "1", "2", "3")
    await log.complete_run("run")
    with pytest.raises(RunCompleted):
        await log.create(StreamId("run", "4"))


async def test_without_a_limit_nothing_is_counted(kept: Kept) -> None:
    log = kept.another(Limits(run_streams=0))
    assert await opening(log, *(f"{number}" for number in range(8))) == []
    record = await kept.store.runs.get("run")
    assert record is not None
    assert (record.streams, record.counted) == (0, 0)
    assert len(await opening(kept.another(FEW), *"abcdef")) == 3
