"""Leases, held against every store: a producer that died is noticed, and one that lives is not
taken for dead.
"""

import asyncio
from dataclasses import replace
from unittest.mock import patch

import pytest

from runstreams.core.errors import ClosedDifferently, RunCompleted, StreamClosed, Uncertain
from runstreams.core.leasing import leased_until, lost
from runstreams.core.limits import DAY_MS, LEASE_GRACE_MS
from runstreams.core.model import Closed, Head, Lease, StreamId
from runstreams.core.ports import Committed, Renewed, Terms
from tests.stores.conftest import Kept
from tests.stores.test_contract_ports import LIFE, STREAM, commit, open_, there

MINUTE = 60_000
LOST = Closed("failed", "nothing was heard of its producer for 60 seconds", code="producer_lost")


async def append(kept: Kept, number: int = 0, lease_ms: int = 0, client: str = "c") -> int | None:
    """Append one chunk; return until when the producer has promised to be heard of."""
    batch = replace(kept.batch(b"%d" % number, client=client, number=number), lease_ms=lease_ms)
    return (await kept.log.append(STREAM, batch)).leased_until


async def closed(kept: Kept) -> Closed | None:
    """Return how a description says that the stream was closed."""
    described = await kept.log.describe(STREAM)
    assert described is not None
    return described.closed


async def until(kept: Kept) -> int | None:
    """Return until when the producer has promised to be heard of."""
    return leased_until(await there(kept))


# What users are promised


async def test_a_stream_that_nobody_leased_never_fails(kept: Kept) -> None:
    await append(kept)
    kept.now += 27 * DAY_MS
    assert await closed(kept) is None
    assert (await kept.log.read(STREAM, 1)).leased_until is None


@pytest.mark.parametrize("look", ["page", "poll", "describe", "list", "how far", "create"])
async def test_whoever_looks_first_closes_the_stream_of_a_producer_that_was_lost(
    kept: Kept, look: str
) -> None:
    await append(kept, lease_ms=MINUTE)
    looks = {
        "page": lambda: kept.log.read(STREAM, 0),
        "poll": lambda: kept.log.read(STREAM, 1, seconds=5),
        "describe": lambda: kept.log.describe(STREAM),
        "list": lambda: kept.log.streams("run", 10, None),
        "how far": lambda: kept.log.last_number(STREAM, "c"),
        "create": lambda: kept.log.create(STREAM),
    }
    kept.now += MINUTE + LEASE_GRACE_MS - 1
    if look != "poll":
        await looks[look]()
        assert (await there(kept)).closed is None
    kept.now += 1
    await looks[look]()
    assert (await there(kept)).closed == LOST


async def test_all_who_look_at_once_are_told_the_same(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    pages = await asyncio.gather(*(kept.another().read(STREAM, 1) for _ in range(8)))
    assert [page.closed for page in pages] == [LOST] * 8


async def test_a_reader_that_waits_is_told_though_nothing_is_appended(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    reading = asyncio.create_task(kept.log.read(STREAM, 1, seconds=60))
    await asyncio.sleep(0.05)
    kept.now += MINUTE + LEASE_GRACE_MS
    assert (await reading).closed == LOST


async def test_a_reader_that_waits_is_told_of_a_producer_that_never_wrote(kept: Kept) -> None:
    await kept.log.hold(STREAM, "c", MINUTE)
    reading = asyncio.create_task(kept.log.read(STREAM, 0, seconds=60))
    await asyncio.sleep(0.05)
    kept.now += MINUTE + LEASE_GRACE_MS
    page = await reading
    assert (page.chunks, page.closed) == ((), LOST)


async def test_any_append_renews_the_lease(kept: Kept) -> None:
    """Also that of somebody who knows nothing of leases, such as a published client."""
    await append(kept, lease_ms=MINUTE)
    for number in range(3):
        kept.now += MINUTE
        await append(kept, client=f"another-{number}")
        assert await closed(kept) is None
    assert await until(kept) == kept.now + MINUTE
    kept.now += MINUTE + LEASE_GRACE_MS
    assert await closed(kept) == LOST


async def test_sealing_takes_nothing_from_a_lease(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    for number in range(1, 40):
        kept.now += 1000
        await append(kept, number)
    assert await until(kept) == kept.now + MINUTE


async def test_a_lease_is_renewed_in_silence(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    for _ in range(3):
        kept.now += MINUTE
        head = await kept.log.hold(STREAM, "c", MINUTE)
        assert head.lease == Lease(kept.now + MINUTE, MINUTE, "c")
        assert await closed(kept) is None
    assert (await kept.log.read(STREAM, 0)).leased_until == kept.now + MINUTE


async def test_a_short_lease_takes_nothing_from_a_long_one(kept: Kept) -> None:
    """Neither by an append nor in silence."""
    long = kept.now + 10 * MINUTE
    assert await append(kept, 0, 10 * MINUTE) == long
    assert await append(kept, 1, MINUTE) == long
    await kept.log.hold(STREAM, "d", MINUTE)
    assert (await there(kept)).lease == Lease(long, 10 * MINUTE, "d")


async def test_a_release_takes_back_ones_own_promise_and_nobody_elses(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += 1000
    await append(kept, client="d", lease_ms=MINUTE)
    await kept.log.release(STREAM, "c")
    assert (await there(kept)).lease == Lease(kept.now + MINUTE, MINUTE, "d")
    for _ in range(2):
        await kept.log.release(STREAM, "d")
        assert (await there(kept)).lease is None
    kept.now += DAY_MS
    assert await closed(kept) is None


async def test_whoever_still_writes_is_told_that_the_lease_is_gone(kept: Kept) -> None:
    """So that it promises again, when another one has let go."""
    await append(kept, lease_ms=MINUTE)
    await append(kept, client="d", lease_ms=MINUTE)
    await kept.log.release(STREAM, "d")
    assert await append(kept, 1) is None
    assert await append(kept, 2, MINUTE) == kept.now + MINUTE


async def test_nobody_in_particular_can_promise_nothing(kept: Kept) -> None:
    anonymous = replace(kept.batch(b"1"), lease_ms=MINUTE)
    assert (await kept.log.append(STREAM, anonymous)).leased_until is None


async def test_what_a_lost_producer_had_sent_is_acknowledged_and_nothing_more_is_taken(
    kept: Kept,
) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    assert await closed(kept) == LOST
    batch = replace(kept.batch(b"0", client="c"), lease_ms=MINUTE)
    again = await kept.log.append(STREAM, batch)
    assert (again.last, again.duplicate, again.leased_until) == (0, True, None)
    with pytest.raises(StreamClosed, match="failed, since nothing was heard of its producer") as it:
        await append(kept, 1)
    assert (it.value.status, it.value.closed_code) == ("failed", "producer_lost")
    with pytest.raises(StreamClosed):
        await kept.log.hold(STREAM, "c", MINUTE)


async def test_an_append_that_has_to_look_closes_the_stream_of_a_lost_producer(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    overlap = kept.batch(b"0", b"1", client="c")
    with pytest.raises(StreamClosed):
        await kept.log.append(STREAM, overlap)
    assert (await there(kept)).closed == LOST


async def test_a_resend_renews_the_lease_that_it_claims(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += 1000
    assert await append(kept, lease_ms=MINUTE) == kept.now + MINUTE
    assert await until(kept) == kept.now + MINUTE


async def test_whoever_closes_by_hand_before_anybody_has_noticed_says_how(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    await kept.log.close(STREAM, Closed("completed"))
    assert await closed(kept) == Closed("completed")


async def test_a_run_that_is_completed_before_anybody_has_noticed_says_how(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    await kept.log.complete_run("run", "canceled", "enough")
    assert await closed(kept) == Closed("canceled", "enough")


async def test_a_stream_whose_producer_was_lost_stays_failed(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    assert await closed(kept) == LOST
    with pytest.raises(ClosedDifferently):
        await kept.log.close(STREAM, Closed("completed"))
    await kept.log.close(STREAM, Closed("failed"))
    await kept.log.complete_run("run")
    assert await closed(kept) == LOST


async def test_a_lost_stream_is_kept_as_long_as_any_that_was_closed_then(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += DAY_MS
    assert await closed(kept) == LOST
    assert (await there(kept)).expires == kept.now + 28 * DAY_MS


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_stream_that_is_closed_late_is_not_kept_beyond_its_run(
    kept: Kept, by_hand: bool
) -> None:
    await append(kept)
    kept.now += 14 * DAY_MS
    await append(kept, 1, lease_ms=1000)
    kept.now += 28 * DAY_MS - 1
    if by_hand:
        await kept.log.close(STREAM, Closed("completed"))
    else:
        assert await closed(kept)
    head, run = await there(kept), await kept.store.runs.get(STREAM.run)
    assert run is not None
    assert kept.now < head.expires <= run.expires


async def test_a_stream_that_is_forgotten_is_not_closed_but_begun_anew(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += 28 * DAY_MS
    assert await kept.log.describe(STREAM) is None
    assert (await kept.log.hold(STREAM, "c", MINUTE)).tail == 0
    assert (await there(kept)).closed is None


async def test_no_lease_is_held_on_a_stream_of_a_completed_run(kept: Kept) -> None:
    await kept.log.complete_run("run")
    with pytest.raises(RunCompleted):
        await kept.log.hold(STREAM, "c", MINUTE)


async def test_the_last_moment_to_renew_is_when_somebody_else_notices(kept: Kept) -> None:
    """Both see the lease run out; one of them wins, and neither is told anything wrong."""
    await append(kept, lease_ms=MINUTE)
    for _ in range(6):
        kept.now += MINUTE + LEASE_GRACE_MS
        renewing, reading = kept.log.hold(STREAM, "c", MINUTE), kept.another().read(STREAM, 1)
        renewed, page = await asyncio.gather(renewing, reading, return_exceptions=True)
        assert not isinstance(page, BaseException)
        if isinstance(renewed, StreamClosed):
            assert page.closed == LOST
            return
        assert page.closed is None


async def test_a_reader_is_served_though_the_loss_cannot_be_written_down(kept: Kept) -> None:
    await append(kept, lease_ms=MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    with patch.object(kept.store.heads, "lose", side_effect=Uncertain("the answer was lost")):
        assert len((await kept.log.read(STREAM, 0)).chunks) == 1
    assert (await kept.log.read(STREAM, 0)).closed == LOST


# Port by port


OLD = Lease(100, 50, "old")


@pytest.mark.parametrize(
    ("until", "ms", "done"),
    [(100, 50, True), (101, 51, True), (101, 49, False), (99, 99, False)],
)
async def test_a_lease_takes_nothing_from_the_one_that_is_there(
    kept: Kept, until: int, ms: int, done: bool
) -> None:
    """By an append as well as in silence."""
    await open_(kept)
    await kept.store.heads.renew(STREAM, OLD, kept.now)
    before = await there(kept)
    lease = Lease(until, ms, "new")
    found = await kept.store.heads.renew(STREAM, lease, kept.now)
    assert found == Renewed(done, replace(before, lease=lease) if done else before)
    assert await there(kept) == found.head
    appended = await commit(kept, terms=Terms(kept.now, lease=replace(lease, holder="newer")))
    assert isinstance(appended, Committed) == done
    assert (await there(kept)).lease == (replace(lease, holder="newer") if done else OLD)


async def test_a_commit_brings_its_lease_and_one_without_leaves_it(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, terms=Terms(kept.now, lease=OLD))
    await commit(kept)
    assert (await there(kept)).lease == OLD


async def test_only_a_stream_that_is_open_and_lives_is_leased(kept: Kept) -> None:
    heads = kept.store.heads
    assert await heads.renew(STREAM, OLD, kept.now) == Renewed(False, None)
    opened = await open_(kept)
    assert await heads.renew(STREAM, OLD, opened.expires) == Renewed(False, opened)
    await heads.close(STREAM, Closed("completed"), kept.now, kept.now + LIFE)
    assert not (await heads.renew(STREAM, OLD, kept.now)).done
    assert (await there(kept)).lease is None


async def test_a_release_of_what_one_does_not_hold_changes_nothing(kept: Kept) -> None:
    heads = kept.store.heads
    assert await heads.release(STREAM, "old") is None
    opened = await open_(kept)
    assert await heads.release(STREAM, "old") == opened
    await heads.renew(STREAM, OLD, kept.now)
    assert await heads.release(STREAM, "other") == replace(opened, lease=OLD)
    assert await heads.release(STREAM, "old") == opened


async def lose(kept: Kept, seen: Head) -> bool:
    assert seen.lease is not None
    return await kept.store.heads.lose(STREAM, seen, lost(seen.lease), kept.now + 5 * LIFE)


async def leased(kept: Kept) -> Head:
    """Return a head with a chunk and a lease."""
    await open_(kept)
    await commit(kept, client="c", terms=Terms(kept.now, lease=OLD))
    return await there(kept)


async def test_losing_changes_how_a_stream_is_closed_and_its_expiry_and_nothing_else(
    kept: Kept,
) -> None:
    seen = await leased(kept)
    await kept.store.heads.ask_stop(STREAM, kept.now)
    assert await lose(kept, seen)
    assert await there(kept) == replace(
        seen, closed=lost(OLD), expires=kept.now + 5 * LIFE, stop=True
    )
    assert not await lose(kept, seen)


@pytest.mark.parametrize("renewed", [Lease(101, 50, "old"), Lease(100, 51, "old")])
async def test_a_stream_is_not_lost_when_its_lease_was_renewed_since(
    kept: Kept, renewed: Lease
) -> None:
    seen = await leased(kept)
    await kept.store.heads.renew(STREAM, renewed, kept.now)
    assert not await lose(kept, seen)
    assert (await there(kept)).closed is None


async def test_a_stream_is_not_lost_when_its_lease_was_released_since(kept: Kept) -> None:
    seen = await leased(kept)
    await kept.store.heads.release(STREAM, "old")
    assert not await lose(kept, seen)
    assert (await there(kept)).closed is None


async def test_a_stream_is_not_lost_when_it_was_appended_to_since(kept: Kept) -> None:
    seen = await leased(kept)
    await commit(kept)
    assert not await lose(kept, seen)
    assert (await there(kept)).closed is None


async def test_a_stream_is_not_lost_when_it_was_closed_since(kept: Kept) -> None:
    seen = await leased(kept)
    await kept.store.heads.close(STREAM, Closed("canceled"), kept.now, kept.now + LIFE)
    assert not await lose(kept, seen)
    assert (await there(kept)).closed == Closed("canceled")


async def test_a_stream_begun_anew_is_not_lost_with_the_one_before(kept: Kept) -> None:
    """Though it has come as far and its lease reaches as far."""
    seen = await leased(kept)
    assert not await kept.store.heads.lose(StreamId("run", "none"), seen, LOST, kept.now)
    await kept.store.heads.delete(STREAM)
    await open_(kept, "g2")
    await commit(kept, client="c", terms=Terms(kept.now, lease=OLD))
    assert not await lose(kept, seen)
    assert (await there(kept)).closed is None


async def test_of_all_who_lose_a_stream_one_does(kept: Kept) -> None:
    seen = await leased(kept)
    assert sorted(await asyncio.gather(*(lose(kept, seen) for _ in range(6)))) == [
        *[False] * 5,
        True,
    ]
