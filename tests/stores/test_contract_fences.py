"""Taking over, held against every store: who wrote before writes no more, whatever was under
way.
"""

import asyncio
from dataclasses import replace

import pytest

from runstreams.core.errors import FencedOff, RunCompleted, StreamClosed
from runstreams.core.fencing import fence_number
from runstreams.core.limits import DAY_MS, LEASE_GRACE_MS, Limits
from runstreams.core.model import Appended, Closed, Fence, Lease, StreamId
from tests.stores.conftest import Kept
from tests.stores.test_contract_ports import STREAM, there

MINUTE = 60_000
COMPLETED = Closed("completed")


async def append(kept: Kept, number: int, fence: int | None, client: str = "old") -> Appended:
    """Append one chunk of a writer that began at *fence*."""
    batch = kept.batch(b"%d" % number, client=client, number=number)
    return await kept.log.append(STREAM, replace(batch, fence=fence))


async def take_over(kept: Kept, ms: int = 0, stream: StreamId = STREAM) -> Fence:
    """Take *stream* over; return its fence."""
    head = await kept.log.take_over(stream, "new", ms)
    assert head.fence is not None
    return head.fence


async def test_who_wrote_before_is_refused_and_who_takes_over_goes_on(kept: Kept) -> None:
    await append(kept, 0, None)
    await append(kept, 1, 0)
    assert await take_over(kept) == Fence(1, 2)
    with pytest.raises(FencedOff) as refused:
        await append(kept, 2, 0)
    assert refused.value.fence == 1
    assert (await append(kept, 0, 1, client="new")).first == 2
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [b"0", b"1", b"0"]


async def test_each_one_that_takes_over_keeps_out_those_before(kept: Kept) -> None:
    await append(kept, 0, None)
    fences = await asyncio.gather(*(take_over(kept) for _ in range(4)))
    assert sorted(fence.number for fence in fences) == [1, 2, 3, 4]
    for number in (1, 2, 3):
        with pytest.raises(FencedOff):
            await append(kept, 0, number, client=f"new-{number}")
    assert (await append(kept, 0, 4, client="new-4")).fence == 4


async def test_what_was_stored_before_is_acknowledged_again(kept: Kept) -> None:
    """With a fence that keeps its writer out: one below the latest."""
    await append(kept, 0, None)
    await take_over(kept)
    resent = await append(kept, 0, None)
    assert (resent.duplicate, resent.last, resent.fence) == (True, 0, 0)
    overlapping = replace(kept.batch(b"0", b"1", client="old"), fence=resent.fence)
    with pytest.raises(FencedOff):
        await kept.log.append(STREAM, overlapping)


async def test_what_is_half_stored_from_before_is_told_the_fence_of_that_half(kept: Kept) -> None:
    await append(kept, 0, None)
    await take_over(kept)
    overlapping = kept.batch(b"0", b"1", client="old")
    assert (await kept.log.append(STREAM, overlapping)).fence == 0


async def test_a_first_body_of_which_a_part_came_too_late_is_told_the_fence_of_its_beginning(
    kept: Kept,
) -> None:
    """Its answer was lost. The late part is stored, as its writer knew no fence yet."""
    await append(kept, 0, None)
    await take_over(kept)
    await append(kept, 1, None)
    resent = kept.batch(b"0", b"1", client="old")
    assert (await kept.log.append(STREAM, resent)).fence == 0
    more = kept.batch(b"0", b"1", b"2", client="old")
    assert (await kept.log.append(STREAM, more)).fence == 0


async def test_a_stream_that_was_left_behind_by_a_restore_is_begun_anew_and_taken_over(
    kept: Kept,
) -> None:
    """What was taken over would take no append, and the stream after it would know no fence."""
    await append(kept, 0, 0, client="old")
    later = kept.another(Limits(epoch=1))
    head = await later.take_over(STREAM, "new", 0)
    assert (head.tail, head.fence) == (0, Fence(1, 0))
    assert (await later.append(STREAM, kept.batch(b"1", client="new"))).first == 0
    with pytest.raises(FencedOff):
        await later.append(STREAM, replace(kept.batch(b"late"), fence=0))


async def test_who_begins_later_or_names_no_fence_writes_on(kept: Kept) -> None:
    await append(kept, 0, None)
    await take_over(kept)
    assert (await append(kept, 1, None)).fence == 1
    begun = await append(kept, 0, None, client="later")
    assert (await append(kept, 0, None, client="later")).fence == begun.fence == 1
    assert (await append(kept, 1, 1, client="later")).first == 3


async def test_a_stream_that_never_was_is_opened_by_whoever_takes_it_over(kept: Kept) -> None:
    assert await take_over(kept) == Fence(1, 0)
    with pytest.raises(FencedOff):
        await append(kept, 0, 0)


async def test_the_lease_passes_to_whoever_takes_over(kept: Kept) -> None:
    await kept.log.hold(STREAM, "old", 10 * MINUTE, 0)
    await take_over(kept, MINUTE)
    assert (await there(kept)).lease == Lease(kept.now + MINUTE, MINUTE, "new")
    with pytest.raises(FencedOff):
        await kept.log.hold(STREAM, "old", 10 * MINUTE, 0)
    with pytest.raises(FencedOff):
        await kept.log.release(STREAM, "old", 0)
    assert (await there(kept)).lease == Lease(kept.now + MINUTE, MINUTE, "new")
    await take_over(kept)
    assert (await there(kept)).lease is None


async def test_who_was_followed_hears_so_after_the_close_as_well(kept: Kept) -> None:
    await append(kept, 0, 0)
    fence = await take_over(kept)
    await kept.log.close(STREAM, Closed("completed"), fence.number)
    for late in (
        kept.log.release(STREAM, "old", 0),
        kept.log.hold(STREAM, "old", MINUTE, 0),
        kept.log.close(STREAM, COMPLETED, 0),
        kept.log.close(STREAM, Closed("failed"), 0),
        append(kept, 1, 0),
    ):
        with pytest.raises(FencedOff):
            await late
    assert await kept.log.release(STREAM, "new", fence.number) is not None
    assert (await kept.log.close(STREAM, COMPLETED, fence.number)).closed == COMPLETED
    assert (await append(kept, 0, 0)).duplicate


async def test_who_names_no_fence_is_told_of_the_close_alone(kept: Kept) -> None:
    await append(kept, 0, None)
    await take_over(kept)
    await kept.log.close(STREAM, COMPLETED)
    assert (await kept.log.close(STREAM, COMPLETED)).closed == COMPLETED
    with pytest.raises(StreamClosed):
        await append(kept, 1, None)


async def test_who_wrote_before_closes_nothing(kept: Kept) -> None:
    await append(kept, 0, None)
    await take_over(kept)
    with pytest.raises(FencedOff):
        await kept.log.close(STREAM, Closed("failed", "an old worker is stopped"), fence=0)
    assert (await there(kept)).closed is None
    assert (await kept.log.close(STREAM, COMPLETED, fence=1)).closed == COMPLETED


async def test_a_lost_producer_is_not_too_late_to_be_followed_until_somebody_looks(
    kept: Kept,
) -> None:
    await kept.log.hold(STREAM, "old", MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    await take_over(kept)
    page = await kept.log.read(STREAM, 0)
    assert (page.closed, page.leased_until) == (None, None)


async def test_what_has_ended_is_not_taken_over(kept: Kept) -> None:
    await kept.log.hold(STREAM, "old", MINUTE)
    kept.now += MINUTE + LEASE_GRACE_MS
    await kept.log.read(STREAM, 0)
    with pytest.raises(StreamClosed) as closed:
        await take_over(kept)
    assert closed.value.closed_code == "producer_lost"
    await kept.log.complete_run("run")
    with pytest.raises(RunCompleted):
        await take_over(kept, stream=StreamId("run", "another"))


async def test_a_fence_lasts_as_long_as_its_stream(kept: Kept) -> None:
    """Sealing and moved-out clients leave it, and a stream of the same name has none."""
    await append(kept, 0, None)
    await take_over(kept)
    for number in range(40):
        await append(kept, number, 1, client="new")
    await kept.log.close(STREAM, COMPLETED)
    assert fence_number(await there(kept)) == 1
    await kept.log.delete(STREAM)
    kept.now += DAY_MS
    assert (await append(kept, 0, 0)).fence == 0
    assert (await there(kept)).fence is None
