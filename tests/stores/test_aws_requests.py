"""What each step costs in requests: on AWS requests are what is paid for."""

import asyncio
import json
from collections import Counter

import pytest

from runstreams.core.entries import Entry
from runstreams.core.forking import Wish
from runstreams.core.limits import KIB, MIB, Limits, SealingPlan
from runstreams.core.model import BATCH_OVERHEAD, Closed, StreamId
from runstreams.core.sealing import Sealer
from runstreams.costs.requests import (
    CLIENT_ID_BYTES,
    inlined_bytes,
    of_replaying,
    of_writing,
)
from runstreams.stores.aws.codec import SHARDS
from tests.emulators.place import Place
from tests.stores.aws_log import watched

APPEND = ["PutObject", "UpdateItem"]
SMALL_SEGMENTS = SealingPlan(segment_bytes=MIB)


@pytest.mark.parametrize("client", ["c", None])
async def test_an_append_to_an_open_stream_is_one_put_and_one_update(
    aws_place: Place, client: str | None
) -> None:
    async with watched(aws_place) as it:
        await it.log.create(it.stream)
        it.requests()
        for number in range(5):
            await it.append(client=client, number=number)
        assert it.requests() == APPEND * 5


@pytest.mark.parametrize("client", ["c", None])
async def test_a_small_append_is_one_update(aws_place: Place, client: str | None) -> None:
    async with watched(aws_place, inline_bytes=KIB) as it:
        await it.log.create(it.stream)
        it.requests()
        for number in range(5):
            await it.append(client=client, number=number)
        assert it.requests() == ["UpdateItem"] * 5


async def test_an_append_that_is_too_large_for_the_head_is_put_beside_the_small_ones(
    aws_place: Place,
) -> None:
    async with watched(aws_place, inline_bytes=100) as it:
        await it.log.create(it.stream)
        it.requests()
        for number, size in enumerate((97, 98, 97)):
            await it.append(b'"%s"' % (b"x" * size), client="c", number=number)
        assert it.requests() == ["UpdateItem", *APPEND, "UpdateItem"]


async def test_a_head_that_is_full_takes_no_more_and_costs_one_update_to_find_out(
    aws_place: Place,
) -> None:
    """Another process has filled it. From then on appends are what they were without it."""
    plan = SealingPlan(inlined_enough=100, inlined_most=110)
    async with (
        watched(aws_place, plan, inline_bytes=KIB) as other,
        watched(aws_place, plan, inline_bytes=KIB) as it,
    ):
        it.stream = other.stream
        for number in range(3):
            await other.append(client="c", number=number)
        for number in range(2):
            await it.append(client="d", number=number)
        assert it.requests() == ["UpdateItem", *APPEND, *APPEND]


async def test_from_enough_in_the_head_on_appends_are_put_until_some_is_sealed(
    aws_place: Place,
) -> None:
    async with watched(aws_place, SealingPlan(inlined_enough=100), inline_bytes=KIB) as it:
        await it.log.create(it.stream)
        it.requests()
        for number in range(4):
            await it.append(client="c", number=number)
        assert it.requests() == [*["UpdateItem"] * 3, *APPEND]
        await Sealer(it.store, Limits(), it.now).seal(it.stream)
        it.requests()
        for number in (4, 5):
            await it.append(client="c", number=number)
        assert it.requests() == [*APPEND, "UpdateItem"]


async def test_a_one_shot_append_costs_the_same(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        await it.log.create(it.stream)
        it.requests()
        await it.append(once="hash")
        assert it.requests() == APPEND


async def test_a_lease_that_comes_with_an_append_costs_nothing_more(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        await it.log.create(it.stream)
        it.requests()
        for number in range(3):
            await it.append(client="c", number=number, lease_ms=60_000)
        assert it.requests() == APPEND * 3


async def test_a_shorter_lease_than_the_one_there_costs_an_update_that_fails(
    aws_place: Place,
) -> None:
    async with watched(aws_place) as it:
        await it.log.hold(it.stream, "c", 90_000)
        it.requests()
        await it.append(client="d", lease_ms=60_000)
        assert it.requests() == [*APPEND, "UpdateItem"]


async def test_a_lease_is_renewed_and_released_with_one_update_each(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        await it.append(client="c", lease_ms=60_000)
        it.later += 20_000
        it.requests()
        await it.log.hold(it.stream, "c", 60_000)
        await it.log.release(it.stream, "c")
        assert it.requests() == ["UpdateItem"] * 2


async def test_noticing_that_a_producer_was_lost_costs_one_update_once(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        await it.append(client="c", lease_ms=60_000)
        it.later += 70_000
        it.requests()
        for _ in range(2):
            assert (await it.log.read(it.stream, 1)).closed is not None
        assert it.requests() == ["GetItem", "UpdateItem", "GetItem"]


@pytest.mark.parametrize("run_is_there", [False, True])
async def test_a_streams_first_append_opens_it_with_one_more_request(
    aws_place: Place, run_is_there: bool
) -> None:
    """Its update fails; a transaction of two items opens the stream with the batch in it."""
    async with watched(aws_place) as it:
        if run_is_there:
            await it.log.create(StreamId(it.stream.run, "another"))
            it.requests()
        await it.append(client="c")
        assert it.requests() == [*APPEND, "TransactWriteItems"]
        assert len(json.loads(it.tap.bodies[-1])["TransactItems"]) == 2
        await it.append(client="c", number=1)
        assert it.requests() == APPEND


async def test_a_small_resend_costs_an_update_that_fails(aws_place: Place) -> None:
    async with watched(aws_place, inline_bytes=KIB) as it:
        await it.append(client="c")
        it.requests()
        assert (await it.append(client="c")).duplicate
        assert it.requests() == ["UpdateItem"]


async def test_a_resend_costs_a_second_put_and_its_removal(aws_place: Place) -> None:
    """The object is put before anybody can know that it was sent before; removing it is free."""
    async with watched(aws_place) as it:
        await it.append(client="c")
        it.requests()
        assert (await it.append(client="c")).duplicate
        assert it.requests() == [*APPEND, "DeleteObjects"]


async def test_a_client_first_seen_after_others_moved_out_costs_one_look(aws_place: Place) -> None:
    plan = SealingPlan(every=4, clients=2, clients_slack=1)
    async with watched(aws_place, plan, seals=True) as it:
        for number in range(9):
            await it.append(client=f"c{number}")
        it.requests()
        await it.append(client="late")
        assert it.requests() == ["PutObject", "GetItem", "UpdateItem"]
        await it.append(client="late", number=1)
        assert it.requests() == APPEND


async def test_a_listing_of_runs_asks_the_same_of_one_run_and_of_many(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        for run in range(5):
            await it.log.create(StreamId(f"{it.stream.run} {run}", "answer"))
            it.requests()
            page = await it.log.runs.page(100, None)
            assert len(page.runs) > run
            assert it.requests() == ["Query"] * SHARDS


async def test_a_poll_is_one_small_read_and_nothing_else(aws_place: Place) -> None:
    async with watched(aws_place) as it:
        await it.append()
        it.requests()
        page = await it.log.read(it.stream, 1, seconds=0.5)
        assert not page.chunks
        assert set(it.requests()) == {"GetItem"}


async def test_a_long_poll_begins_with_one_consistent_read(aws_place: Place) -> None:
    """All its further looks may be a moment behind, and cost half."""
    async with watched(aws_place) as it:
        await it.append()
        del it.tap.bodies[:]
        await it.log.read(it.stream, 1, seconds=0.5)
        first, *others = [json.loads(body)["ConsistentRead"] for body in it.tap.bodies]
        assert (first, set(others)) == (True, {False})


@pytest.mark.parametrize("strong", [True, False])
async def test_a_head_is_read_as_consistently_as_was_asked(aws_place: Place, strong: bool) -> None:
    """No emulator is ever behind, and a consistent read costs twice as much."""
    async with watched(aws_place) as it:
        await it.store.heads.get(it.stream, strong=strong)
        assert json.loads(it.tap.bodies[-1])["ConsistentRead"] is strong


async def test_readers_of_one_stream_share_its_polls(aws_place: Place) -> None:
    """Each looks for itself when it comes; from then on one polls for all of them."""
    async with watched(aws_place) as it:
        await it.append()
        it.requests()
        readers = 20
        waiting = (it.log.read(it.stream, 1, seconds=0.5) for _ in range(readers))
        await asyncio.gather(*waiting)
        polls = len(it.requests()) - 2 * readers
        assert polls < readers


async def test_what_was_just_appended_is_read_with_one_look_and_one_get_a_batch(
    aws_place: Place,
) -> None:
    async with watched(aws_place) as it:
        for _ in range(3):
            await it.append()
        it.requests()
        assert len((await it.log.read(it.stream, 0)).chunks) == 3
        assert it.requests() == ["GetItem", *["GetObject"] * 3]


async def test_what_lies_in_the_head_is_read_with_one_look(aws_place: Place) -> None:
    """And what is beside it, with a get each."""
    async with watched(aws_place, inline_bytes=KIB) as it:
        for number, data in enumerate((b"1", b'"%s"' % (b"x" * KIB), b"3")):
            await it.append(data, client="c", number=number)
        it.requests()
        assert [chunk.index for chunk in (await it.log.read(it.stream, 2)).chunks] == [2]
        assert it.requests() == ["GetItem"]
        assert len((await it.log.read(it.stream, 0)).chunks) == 3
        assert it.requests() == ["GetItem", "GetObject"]


async def test_a_reader_that_waits_gets_what_its_look_brings(aws_place: Place) -> None:
    """It polls, as whoever appends is another process; what it sees is in the head."""
    async with (
        watched(aws_place, inline_bytes=KIB) as it,
        watched(aws_place, inline_bytes=KIB) as other,
    ):
        other.stream = it.stream
        await it.append(client="c")
        it.requests()
        waiting = asyncio.create_task(it.log.read(it.stream, 1, seconds=20))
        await other.append(b"2", client="c", number=1)
        assert [chunk.data for chunk in (await waiting).chunks] == [b"2"]
        assert set(it.requests()) == {"GetItem"}


async def test_what_was_sealed_before_a_reader_looked_again_costs_it_one_get(
    aws_place: Place,
) -> None:
    """It has seen where the segment begins, and sees where it ends; so it lists nothing."""
    async with watched(aws_place) as it, watched(aws_place, seals=True, inline_bytes=KIB) as other:
        other.stream = it.stream
        for number in range(15):
            await other.append(client="c", number=number)
        await it.log.head(it.stream)
        await other.append(client="c", number=15)
        it.requests()
        assert [chunk.index for chunk in (await it.log.read(it.stream, 15)).chunks] == [15]
        assert it.requests() == ["GetItem", "GetObject"]


async def test_sealing_what_lies_in_the_head_costs_a_put_and_an_update(aws_place: Place) -> None:
    async with watched(aws_place, SealingPlan(every=16), True, KIB) as it:
        for _ in range(15):
            await it.append()
        it.requests()
        await it.append()
        assert it.requests() == ["UpdateItem", "PutObject", "UpdateItem"]


async def test_sealing_is_due_as_well_when_so_much_lies_in_the_head(aws_place: Place) -> None:
    async with watched(aws_place, seals=True, inline_bytes=KIB) as it:
        await it.log.create(it.stream)
        it.requests()
        data = b'"%s"' % (b"x" * (512 - BATCH_OVERHEAD - len("c") - 3))
        appends = SealingPlan().inlined_every // 512
        for number in range(appends):
            await it.append(data, client="c", number=number)
        assert it.requests() == [*["UpdateItem"] * appends, "PutObject", "UpdateItem"]


async def test_sealing_costs_a_get_a_batch_and_three_requests(aws_place: Place) -> None:
    async with watched(aws_place, SealingPlan(every=16), seals=True) as it:
        for _ in range(15):
            await it.append()
        it.requests()
        await it.append()
        sealing = [*["GetObject"] * 16, "PutObject", "UpdateItem", "DeleteObjects"]
        assert it.requests() == [*APPEND, *sealing]


async def test_a_replay_is_one_list_and_one_get_a_segment(aws_place: Place) -> None:
    """However finely the chunks were appended: closing merges what sealing left small."""
    async with watched(aws_place, SMALL_SEGMENTS, seals=True) as it:
        chunk = b'"%s"' % (b"x" * 30 * KIB)
        for _ in range(100):
            await it.append(chunk)
        await it.log.close(it.stream, Closed("completed"))
        it.requests()
        assert len(await it.everything()) == 100
        sent = Counter(it.requests())
        mebibytes = 100 * len(chunk) / MIB
        assert sent.keys() == {"GetItem", "ListObjectsV2", "GetObject"}
        assert (sent["GetItem"], sent["ListObjectsV2"]) == (1, 1)
        assert sent["GetObject"] <= mebibytes * 1.5


@pytest.mark.soak
async def test_24_mebibytes_are_replayed_with_one_list_and_a_get_each_8_mebibytes(
    aws_place: Place,
) -> None:
    async with watched(aws_place, seals=True) as it:
        chunk = b'"%s"' % (b"x" * 64 * KIB)
        for _ in range(24 * 16):
            await it.append(chunk)
        await it.log.close(it.stream, Closed("completed"))
        it.requests()
        assert len(await it.everything()) == 24 * 16
        sent = Counter(it.requests())
        assert (sent["GetItem"], sent["ListObjectsV2"]) == (1, 1)
        assert sent["GetObject"] <= 5


@pytest.mark.parametrize("size", [2, 100, 0])
@pytest.mark.parametrize("appends", [1, 17, pytest.param(260, marks=pytest.mark.soak)])
async def test_a_streams_life_costs_what_the_bill_says(
    aws_place: Place, appends: int, size: int
) -> None:
    """`runstreams cost` and docs/costs.md go by these numbers; deleting is free. Batches of *size*
    bytes lie in the head; with 0 each is an object.
    """
    inlined = inlined_bytes(size, KIB) - CLIENT_ID_BYTES + len("c") if size else 0
    async with watched(aws_place, seals=True, inline_bytes=KIB if size else 0) as it:
        for number in range(appends):
            await it.append(b"1" * max(size - 1, 1), client="c", number=number)
        await it.log.close(it.stream, Closed("completed"))
        made = Counter(it.requests())
        del made["DeleteObjects"]
        assert made == of_writing(appends, inlined)
    async with watched(aws_place) as reader:
        reader.stream = it.stream
        assert len(await reader.everything()) == appends
        assert Counter(reader.requests()) == of_replaying()


@pytest.mark.parametrize("sealed", [8, 64])
async def test_a_fork_of_a_sealed_stream_copies_nothing(aws_place: Place, sealed: int) -> None:
    """However much it has of the other it is as many requests."""
    async with watched(aws_place, SealingPlan(every=4), seals=True) as it:
        for _ in range(sealed):
            await it.append()
        it.requests()
        await it.log.fork(StreamId(it.stream.run, "fork"), Wish(it.stream), _nothing)
        assert it.requests() == ["GetItem", "GetItem", "TransactWriteItems"]


async def test_a_fork_of_what_is_not_sealed_yet_seals_it_first(aws_place: Place) -> None:
    async with watched(aws_place, inline_bytes=KIB) as it:
        for _ in range(3):
            await it.append()
        it.requests()
        await it.log.fork(StreamId(it.stream.run, "fork"), Wish(it.stream), _nothing)
        sealing = ["GetItem", "PutObject", "UpdateItem", "GetItem"]
        assert it.requests() == ["GetItem", "GetItem", *sealing, "TransactWriteItems"]


async def _nothing(content_type: str) -> Entry:
    return Entry()
