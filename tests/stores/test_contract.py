"""What users are promised, held against every store."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Any
from unittest.mock import patch

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import (
    Busy,
    ChunkGap,
    ClosedDifferently,
    IndexBeyondTail,
    IndexExpired,
    InvalidRequest,
    RunCompleted,
    StreamClosed,
    StreamFull,
)
from runstreams.core.following import End
from runstreams.core.limits import DAY_MS, WRITERS_COUNTED, Limits
from runstreams.core.model import Batch, Closed, Head, Page, Pointer, SegmentName, Start, StreamId
from tests.stores.conftest import Kept

STREAM = StreamId("run", "key")
WEEK = 7 * DAY_MS

HOSTILE = [
    "plain",
    "with space",
    "with%20percent",
    "with%2520percent",
    "tilde~",
    "hash#and#hash",
    "w#key#generation",
    "dot.dot",
    "Grüße",
    "日本語のキー",
    "emoji 🙂",
    "a" * 256,
    "é" * 128,
    "語" * 85,
    "'; DROP TABLE heads; --",
    "$trigger.input:approve",
    "s",
    "run",
]


async def test_writers_at_once_leave_every_chunk_once_and_in_order(kept: Kept) -> None:
    """Each writer's chunks keep their order, indexes have no gap, and acknowledged is readable."""
    await write_and_check(kept, *((8, 8) if kept.emulated else (32, 50)))


async def write_and_check(kept: Kept, writers: int, batches: int) -> None:
    acknowledged: dict[int, bytes] = {}

    async def write(writer: int) -> None:
        for number in range(batches):
            chunk = b'"%d-%d"' % (writer, number)
            client = f"client-{writer}"
            answer = await kept.append(STREAM, chunk, client=client, number=number)
            assert answer.first is not None
            assert answer.first not in acknowledged
            acknowledged[answer.first] = chunk

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    chunks = await kept.everything(STREAM)
    assert [chunk.index for chunk in chunks] == list(range(writers * batches))
    assert {chunk.index: chunk.data for chunk in chunks} == acknowledged
    by_writer = defaultdict[bytes, list[int]](list)
    for chunk in chunks:
        writer, number = chunk.data.strip(b'"').split(b"-")
        by_writer[writer].append(int(number))
    assert all(numbers == list(range(batches)) for numbers in by_writer.values())


async def test_a_resend_is_acknowledged_whatever_happened_since(kept: Kept) -> None:
    """Sent before comes first: also on a stream that was closed meanwhile."""
    first = await kept.append(STREAM, b"1", b"2", client="c")
    again = await kept.append(STREAM, b"1", b"2", client="c")
    assert (again.first, again.last, again.duplicate) == (None, first.last, True)
    await kept.log.close(STREAM, Closed("completed"))
    after = await kept.append(STREAM, b"1", b"2", client="c")
    assert (after.last, after.tail, after.duplicate) == (1, 2, True)


async def test_of_an_overlap_only_the_rest_is_added(kept: Kept) -> None:
    await kept.append(STREAM, b"0", b"1", client="c")
    await kept.append(STREAM, b'"other"', client="d")
    answer = await kept.append(STREAM, b"0", b"1", b"2", b"3", client="c")
    assert (answer.first, answer.last, answer.tail) == (3, 4, 5)
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [
        *(b"0", b"1", b'"other"', b"2", b"3")
    ]


async def test_a_gap_is_refused_and_names_the_number_expected(kept: Kept) -> None:
    await kept.append(STREAM, b"0", client="c")
    with pytest.raises(ChunkGap) as refused:
        await kept.append(STREAM, b"2", client="c", number=2)
    assert refused.value.expected == 1
    with pytest.raises(ChunkGap):
        await kept.append(STREAM, b"9", client="unknown", number=9)
    assert len(await kept.everything(STREAM)) == 1


async def test_a_one_shot_append_lands_once(kept: Kept) -> None:
    first = await kept.append(STREAM, b'"part"', once="hash")
    again = await kept.append(STREAM, b'"part"', once="hash")
    assert (first.last, again.last, again.duplicate) == (0, 0, True)
    assert len(await kept.everything(STREAM)) == 1


async def test_how_far_a_client_has_come_is_known(kept: Kept) -> None:
    assert await kept.log.last_number(STREAM, "c") == -1
    await kept.append(STREAM, b"0", b"1", b"2", client="c")
    assert await kept.log.last_number(STREAM, "c") == 2
    assert await kept.log.last_number(STREAM, "d") == -1


async def test_many_clients_come_and_go_and_none_is_forgotten(kept: Kept) -> None:
    """Clients that moved out of the head are still recognised."""
    many = 112 if kept.emulated else 400
    for number in range(many):
        await kept.append(STREAM, b"%d" % number, client=f"pipe-{number}")
    for number in (0, 1, many // 2, many - 1):
        answer = await kept.append(STREAM, b"%d" % number, client=f"pipe-{number}")
        assert answer.duplicate
        assert await kept.log.last_number(STREAM, f"pipe-{number}") == 0
    more = await kept.append(STREAM, b'"more"', client="pipe-0", number=1)
    assert (more.first, more.tail) == (many, many + 1)


async def test_a_closed_stream_takes_nothing_more_and_says_how_it_ended(kept: Kept) -> None:
    await kept.append(STREAM, b"0")
    await kept.log.close(STREAM, Closed("failed", "it broke"))
    await kept.log.close(STREAM, Closed("failed"))
    with pytest.raises(ClosedDifferently) as differently:
        await kept.log.close(STREAM, Closed("completed"))
    assert differently.value.status == "failed"
    with pytest.raises(StreamClosed):
        await kept.append(STREAM, b"1")
    page = await kept.log.read(STREAM, 0)
    assert (page.closed, page.next_index) == (Closed("failed", "it broke"), 1)


async def test_closing_a_stream_that_never_was_opens_and_closes_it(kept: Kept) -> None:
    await kept.log.close(STREAM, Closed("canceled"))
    page = await kept.log.read(STREAM)
    assert (page.chunks, page.closed) == ((), Closed("canceled"))


async def test_a_first_batch_that_is_too_large_opens_no_stream(kept: Kept) -> None:
    small = kept.another(Limits(stream_bytes=10))
    with pytest.raises(StreamFull):
        await small.append(STREAM, kept.batch(b"12345", b"678901"))
    assert await kept.log.describe(STREAM) is None
    assert (await small.append(STREAM, kept.batch(b"123456789"))).tail == 1


async def test_a_stream_takes_its_limit_and_not_a_byte_more(kept: Kept) -> None:
    small = kept.another(Limits(stream_bytes=10))
    await small.append(STREAM, kept.batch(b"12345"))
    with pytest.raises(StreamFull) as full:
        await small.append(STREAM, kept.batch(b"123456"))
    assert (full.value.limit, full.value.size) == (10, 11)
    await small.append(STREAM, kept.batch(b"12345", client="c"))
    # A resend is acknowledged on a full stream, too.
    assert (await small.append(STREAM, kept.batch(b"12345", client="c"))).duplicate


async def test_a_completed_run_takes_nothing_more(kept: Kept) -> None:
    """Neither a stream that was open nor one that never was."""
    await kept.append(STREAM, b"0")
    await kept.log.complete_run("run")
    await kept.log.complete_run("run")
    for refused in (
        kept.append(STREAM, b"1"),
        kept.append(StreamId("run", "another"), b"1"),
        kept.log.create(STREAM),
        kept.log.create(StreamId("run", "another")),
        kept.log.write(STREAM, Entry(b"1\n", 1)),
        kept.log.hold(STREAM, "c", 60_000),
        kept.log.take_over(STREAM, "c", 60_000),
    ):
        with pytest.raises(RunCompleted) as told:
            await refused
        assert told.value.run == "run"
    head = await kept.log.head(STREAM)
    assert head is not None
    assert (head.closed, head.closed_by_run) == (Closed("completed"), True)
    assert (await kept.log.read(STREAM)).closed == Closed("completed")


async def test_a_stream_that_was_closed_by_hand_knows_when_its_run_is_completed(kept: Kept) -> None:
    await kept.append(STREAM, b"0", client="c")
    await kept.log.close(STREAM, Closed("failed", "it broke"))
    with pytest.raises(StreamClosed):
        await kept.append(STREAM, b"1", client="c", number=1)
    await kept.log.complete_run("run")
    with pytest.raises(RunCompleted):
        await kept.append(STREAM, b"1", client="c", number=1)
    with pytest.raises(RunCompleted):
        await kept.log.create(STREAM)
    assert (await kept.append(STREAM, b"0", client="c")).duplicate
    assert (await kept.log.read(STREAM)).closed == Closed("failed", "it broke")


async def test_chunks_vanish_in_order_exactly_when_they_are_due(kept: Kept) -> None:
    for week in range(4):
        await kept.append(STREAM, b"%d" % week, client="c", number=week)
        kept.now += WEEK
    born = kept.now - 4 * WEEK
    for gone in range(1, 4):
        kept.now = born + 4 * WEEK + (gone - 1) * WEEK - 1
        assert (await kept.log.read(STREAM)).chunks[0].index == gone - 1
        kept.now += 1
        assert (await kept.log.read(STREAM)).chunks[0].index == gone
        with pytest.raises(IndexExpired) as expired:
            await kept.log.read(STREAM, gone - 1)
        assert expired.value.first_index == gone
        described = await kept.log.describe(STREAM)
        assert described is not None
        assert (described.first_index, described.tail) == (gone, 4)


async def test_sealed_chunks_vanish_in_order_as_well(kept: Kept) -> None:
    """Within a segment, chunk by chunk."""
    for number in range(40):
        await kept.append(STREAM, b"%d" % number, client="c", number=number)
        kept.now += 1000
    born = kept.now - 40_000
    head = await kept.log.head(STREAM)
    assert head is not None
    await kept.log.close(STREAM, Closed("completed"))
    head = await kept.log.head(STREAM)
    assert head is not None
    assert head.sealed == 40
    for gone in (1, 17, 39):
        kept.now = born + 28 * DAY_MS + 1000 * (gone - 1) - 1
        assert (await kept.log.read(STREAM)).chunks[0].index == gone - 1
        kept.now += 1
        assert [chunk.index for chunk in await kept.everything(STREAM)] == list(range(gone, 40))
        with pytest.raises(IndexExpired):
            await kept.log.read(STREAM, gone - 1)


async def test_a_name_used_again_starts_at_0_and_never_meets_what_it_held(kept: Kept) -> None:
    for number in range(20):
        await kept.append(STREAM, b'"old %d"' % number, client="c", number=number)
    await kept.log.complete_run("run")
    kept.now += 28 * DAY_MS
    assert (await kept.log.read(STREAM)).chunks == ()
    assert await kept.log.last_number(STREAM, "c") == -1
    new = [b'"new %d"' % number for number in range(18)]
    for number, chunk in enumerate(new):
        answer = await kept.append(STREAM, chunk, client="c", number=number)
        assert (answer.first, answer.tail) == (number, number + 1)
    for _ in range(2):  # unsealed in part, then sealed
        assert [chunk.data for chunk in await kept.everything(STREAM)] == new
        await kept.log.close(STREAM, Closed("completed"))


async def test_a_deleted_stream_is_gone_with_its_objects_and_starts_anew(kept: Kept) -> None:
    for number in range(20):
        await kept.append(STREAM, b'"old %d"' % number, client="c", number=number)
    assert await kept.log.delete(STREAM)
    assert not await kept.log.delete(STREAM)
    assert (await kept.log.read(STREAM)).chunks == ()
    assert await kept.store.segments.generations(STREAM) == []
    await kept.append(STREAM, b'"new"', client="c")
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [b'"new"']


async def deleted_while_read(
    kept: Kept, *anew: bytes, start: Start | None, seconds: float = 0
) -> Page:
    """Return a page whose stream is deleted, and begun anew with *anew*, just before its chunks are
    fetched.
    """
    other, get, happened = kept.another(), kept.store.batches.get, asyncio.Event()

    async def late(stream: StreamId, pointers: Sequence[Pointer]) -> list[Batch]:
        if not happened.is_set():
            happened.set()
            await other.delete(STREAM)
            if anew:
                await other.append(STREAM, kept.batch(*anew))
        return await get(stream, pointers)

    with patch.object(kept.store.batches, "get", late):
        return await kept.log.read(STREAM, start, seconds=seconds)


@pytest.mark.parametrize("start", [None, 0])
async def test_a_page_of_a_stream_that_is_begun_anew_under_it_is_the_new_streams(
    kept: Kept, start: int | None
) -> None:
    kept.keep_as_objects()
    await kept.append(STREAM, b"0", b"1")
    page = await deleted_while_read(kept, b'"a"', start=start)
    assert [(chunk.index, bytes(chunk.data)) for chunk in page.chunks] == [(0, b'"a"')]
    assert (await deleted_while_read(kept, start=start)).chunks == ()


async def test_a_page_from_an_index_of_a_stream_that_is_begun_anew_says_so(kept: Kept) -> None:
    kept.keep_as_objects()
    await kept.append(STREAM, b"0", b"1")
    with pytest.raises(IndexExpired) as anew:
        await deleted_while_read(kept, b'"a"', b'"b"', b'"c"', start=1)
    assert anew.value.first_index == 0
    with pytest.raises(IndexBeyondTail) as gone:
        await deleted_while_read(kept, start=1)
    assert gone.value.tail == 0


@pytest.mark.parametrize("start", [2, "tail"])
async def test_who_was_woken_by_a_chunk_of_a_stream_that_is_begun_anew_is_told(
    kept: Kept, start: Start
) -> None:
    kept.keep_as_objects()
    await kept.append(STREAM, b"0", b"1")
    reading = asyncio.create_task(deleted_while_read(kept, b'"a"', start=start, seconds=20))
    await until_waited_for(kept)
    await kept.append(STREAM, b"2")
    with pytest.raises(IndexExpired) as anew:
        await reading
    assert anew.value.first_index == 0


@pytest.mark.parametrize("anew", [[], [b'"a"']])
async def test_a_stream_that_is_deleted_while_it_is_described_is_the_one_after_it_or_none(
    kept: Kept, anew: list[bytes]
) -> None:
    for number in range(2):
        await kept.append(STREAM, b"%d" % number)
        kept.now += 3 * WEEK - number * WEEK
    await kept.log.close(STREAM, Closed("completed"))
    other, names, happened = kept.another(), kept.store.segments.names, asyncio.Event()

    async def late(*where: Any) -> list[SegmentName]:
        if not happened.is_set():
            happened.set()
            await other.delete(STREAM)
            for chunk in anew:
                await other.append(STREAM, kept.batch(chunk))
        return await names(*where)

    described = await kept.log.describe(STREAM)
    assert described is not None
    assert (described.first_index, described.tail) == (1, 2)
    with patch.object(kept.store.segments, "names", late):
        listed = await kept.log.streams("run", 10, None)
    assert [one.tail for one in listed] == [1 for _ in anew]


async def test_a_live_reader_goes_on_in_a_stream_that_is_begun_anew(kept: Kept) -> None:
    await kept.append(STREAM, b"0", b"1")
    follower = await kept.log.follow(STREAM, silence=20)
    seen = list[tuple[int, bytes]]()
    async with aclosing(follower.events()) as events:
        async for event in events:
            if isinstance(event, Page):
                seen += [(chunk.index, bytes(chunk.data)) for chunk in event.chunks]
                if event.next_index == 2:
                    other = kept.another()
                    await other.delete(STREAM)
                    await other.append(STREAM, kept.batch(b'"a"'))
                    await other.close(STREAM, Closed("completed"))
    assert follower.end is End.CLOSED
    assert seen == [(0, b"0"), (1, b"1"), (0, b'"a"')]


async def until_waited_for(kept: Kept) -> None:
    while not kept.log._watches._watches:
        await asyncio.sleep(0.01)


async def test_a_deleted_run_is_gone_with_its_streams(kept: Kept) -> None:
    for key in "abc":
        await kept.append(StreamId("run", key), b"1")
    assert await kept.log.delete_run("run") == 3
    assert await kept.log.streams("run", 10, None) == []
    assert await kept.log.runs.get("run") is None


async def test_a_run_that_was_deleted_in_part_is_still_listed_and_completed(kept: Kept) -> None:
    for key in "abc":
        await kept.append(StreamId("run", key), b"1")
    await kept.log.complete_run("run")
    delete, left = kept.store.heads.delete, 2

    async def die(stream: StreamId) -> Head | None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Busy("the process ends here")
        return await delete(stream)

    with patch.object(kept.store.heads, "delete", die), pytest.raises(Busy):
        await kept.log.delete_run("run")
    assert [run.id for run in (await kept.log.runs.page(10, None)).runs] == ["run"]
    with pytest.raises(RunCompleted):
        await kept.append(StreamId("run", "a"), b"2")
    assert await kept.log.delete_run("run") == 1
    assert await kept.log.runs.get("run") is None


async def test_a_run_is_deleted_however_busy_its_writers_are(kept: Kept) -> None:
    """What they open anew meanwhile is a run of its own."""
    stopped = asyncio.Event()

    async def write(key: str) -> None:
        while not stopped.is_set():
            with suppress(Busy):
                await kept.append(StreamId("run", key), b"1")
            await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as writers:
        for key in "abc":
            writers.create_task(write(key))
        await kept.append(StreamId("run", "z"), b"1")
        assert await kept.log.delete_run("run") <= 4
        stopped.set()
    listed = await kept.log.streams("run", 10, None)
    assert "z" not in [stream.key for stream in listed]
    assert (await kept.log.runs.get("run") is not None) == bool(listed)


async def test_names_that_look_alike_or_worse_never_meet(kept: Kept) -> None:
    for number, name in enumerate(HOSTILE):
        run = name.encode()[:128].decode(errors="ignore")
        await kept.append(StreamId(run, name), b"%d" % number, client=name[:16])
        await kept.append(StreamId("run", name), b"%d" % number, client=name[:16])
        await kept.log.close(StreamId("run", name), Closed("completed"))
    for number, name in enumerate(HOSTILE):
        run = name.encode()[:128].decode(errors="ignore")
        for stream in (StreamId(run, name), StreamId("run", name)):
            chunks = await kept.everything(stream)
            assert [chunk.data for chunk in chunks] == [b"%d" % number]
    listed = await kept.log.streams("run", 100, None)
    assert {described.key for described in listed} == set(HOSTILE)


async def test_beyond_the_tail_there_is_nothing_yet(kept: Kept) -> None:
    with pytest.raises(IndexBeyondTail) as beyond:
        await kept.log.read(STREAM, 1)
    assert beyond.value.tail == 0
    await kept.append(STREAM, b"0")
    with pytest.raises(IndexBeyondTail) as beyond:
        await kept.log.read(STREAM, 2)
    assert beyond.value.tail == 1
    assert (await kept.log.read(STREAM, 1)).chunks == ()


async def test_a_late_reader_gets_every_chunk_once_while_writers_go_on(kept: Kept) -> None:
    """Sealing and merging happen under the reader, and never show."""
    total = 50 if kept.emulated else 400

    async def write() -> None:
        for number in range(total):
            await kept.append(STREAM, b"%d" % number, client="c", number=number)

    async def read() -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            page = await kept.log.read(STREAM, len(seen), most=7, seconds=5)
            seen += [int(chunk.data) for chunk in page.chunks]
        return seen

    _, *readers = await asyncio.gather(write(), read(), read())
    assert readers == [list(range(total))] * 2


async def test_the_flag_to_stop_is_carried_by_every_answer(kept: Kept) -> None:
    assert not (await kept.append(STREAM, b"0", client="c")).stop
    assert (await kept.log.ask_stop(STREAM)).stop
    assert (await kept.append(STREAM, b"1", client="c", number=1)).stop
    assert (await kept.append(STREAM, b"1", client="c", number=1)).stop


async def test_time_never_runs_backwards_along_a_stream(kept: Kept) -> None:
    for number, step in enumerate((0, 500, -10_000, 20, 11_000) * 8):
        kept.now += step
        await kept.append(STREAM, b"%d" % number, client="c", number=number)
    times = [chunk.timestamp for chunk in await kept.everything(STREAM)]
    assert times == sorted(times)
    assert len(times) == 40


async def test_many_streams_of_a_run_are_listed_page_by_page(kept: Kept) -> None:
    await open_and_list(kept, 60 if kept.emulated else 2000)


async def open_and_list(kept: Kept, many: int) -> None:
    keys = [f"stream-{number:04d}" for number in range(many)]
    for at in range(0, many, 50):
        await asyncio.gather(
            *(kept.append(StreamId("run", key), b"1") for key in keys[at : at + 50])
        )
    found: list[str] = []
    after: str | None = None
    while page := await kept.log.streams("run", max(many // 7, 20), after):
        found += [described.key for described in page]
        after = found[-1]
    assert found == keys


async def test_forgotten_streams_are_not_listed(kept: Kept) -> None:
    for key in ("a", "b", "c"):
        await kept.append(StreamId("run", key), b"1")
    kept.now += WEEK
    for key in ("d", "b"):
        await kept.append(StreamId("run", key), b"2")
    kept.now += 3 * WEEK
    assert [described.key for described in await kept.log.streams("run", 1, None)] == ["b"]
    assert [described.key for described in await kept.log.streams("run", 9, None)] == ["b", "d"]


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store_name", ["ministack"])
@pytest.mark.needs("ministack")
async def test_2000_streams_of_a_run_are_listed_page_by_page(kept: Kept) -> None:
    await open_and_list(kept, 2000)


async def test_what_a_registration_does_not_say_stays_as_it_was(kept: Kept) -> None:
    runs = kept.log.runs
    first = await runs.register("run", "above", "top")
    assert await runs.register("run", None, None) == first
    assert (await runs.register("run", None, "higher")).parent == "above"
    await runs.complete("run")
    again = await runs.register("run", "beside", None)
    assert (again.parent, again.root) == ("beside", "beside")
    assert again.completed is not None
    with pytest.raises(InvalidRequest):
        await runs.register("run", "run", None)


async def test_a_run_outlives_its_streams_and_keeps_its_lineage(kept: Kept) -> None:
    """Its streams are appended to for half a year; parent and root are still known."""
    await kept.log.runs.register("run", "above", "top")
    for number in range(26):
        await kept.append(STREAM, b"%d" % number, client="c", number=number)
        kept.now += WEEK
    assert await kept.log.runs.resolve("run", "parent") == "above"
    assert await kept.log.runs.resolve("run", "root") == "top"


async def test_a_description_counts_the_clients_that_have_written(kept: Kept) -> None:
    """At most as many as every store is sure to remember; nobody else's chunks count."""

    async def counted() -> list[int]:
        described = await kept.log.describe(STREAM)
        assert described is not None
        [listed] = await kept.log.streams("run", 10, None)
        return [described.writers, listed.writers]

    await kept.append(STREAM, b"1")
    await kept.append(STREAM, b"2", once="0123456789abcdef")
    assert await counted() == [0, 0]
    for number in range(2):
        await kept.append(STREAM, b"3", client="first", number=number)
    await kept.append(STREAM, b"4", client="second")
    assert await counted() == [2, 2]
    # So many that those who keep few have moved some out of the head.
    await asyncio.gather(
        *(
            kept.append(STREAM, b"5", client=f"client-{number}")
            for number in range(WRITERS_COUNTED + 40)
        )
    )
    assert await counted() == [WRITERS_COUNTED] * 2
    await kept.log.close(STREAM, Closed("completed"))
    assert await counted() == [WRITERS_COUNTED] * 2
