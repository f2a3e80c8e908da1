"""What the core relies on, port by port: the words of `core/ports.py` held against every store."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from runstreams.core.errors import ObjectMissing, RunCompleted
from runstreams.core.limits import KIB
from runstreams.core.model import (
    Closed,
    Head,
    Lease,
    Pointer,
    Run,
    SegmentName,
    Sent,
    Status,
    StreamId,
)
from runstreams.core.ports import Committed, NotCommitted, Opened, Terms
from runstreams.core.unsealed import fetched
from tests.stores.conftest import Kept

STREAM = StreamId("run", "key")
OTHER = StreamId("run", "other")
LIFE = 1000
LARGE = b'"%s"' % (b"x" * KIB)
"""Too large to lie in its pointer, in any store."""


async def open_(kept: Kept, generation: str = "g1", stream: StreamId = STREAM) -> Head:
    """Open *stream*, which lives for a second, and return its head."""
    head = Head(kept.generation(generation), created=kept.now, expires=kept.now + LIFE)
    run = Run(stream.run, kept.now, kept.now + 2 * LIFE)
    await kept.store.heads.open(stream, head, run, kept.limits)
    return await there(kept, stream)


async def there(kept: Kept, stream: StreamId = STREAM) -> Head:
    head = await kept.store.heads.get(stream)
    assert head is not None
    return head


async def commit(
    kept: Kept,
    *chunks: bytes,
    terms: Terms | None = None,
    skip: int = 0,
    stream: StreamId = STREAM,
    client: str | None = None,
    number: int = 0,
    once: str | None = None,
) -> Committed | NotCommitted:
    """Put and commit *chunks* as one batch."""
    batch = kept.batch(*(chunks or (b"1",)), client=client, number=number, once=once)
    staged = await kept.store.batches.put(stream, batch, kept.limits)
    # Expiry is what these tests set by hand, so chunks live as long as their stream.
    limits = replace(kept.limits, retention_ms=LIFE)
    return await kept.store.heads.commit(stream, staged, terms or Terms(kept.now), skip, limits)


def known(head: Head, asked: str) -> set[str]:
    """Return those of the clients *asked* for that are in *head*, where there are no others."""
    found = {client for client in asked if client in head.clients}
    assert len(head.clients) == len(found)
    return found


async def begin(kept: Kept, *chunks: bytes, client: str = "c") -> Opened:
    """Open the stream with *chunks* as its first batch, with which a lease comes."""
    staged = await kept.store.batches.put(
        STREAM, replace(kept.batch(*chunks, client=client), lease_ms=LIFE)
    )
    head = Head(kept.generation("g2"), created=kept.now + 1, expires=kept.now + 1 + LIFE)
    run = Run("run", kept.now, kept.now + 2 * LIFE)
    return await kept.store.heads.open(STREAM, head, run, kept.limits, staged)


# Opening


async def test_a_stream_is_opened_with_its_first_batch_in_one_step(kept: Kept) -> None:
    done, head = await begin(kept, b"1", b"2")
    found = await there(kept)
    assert done
    assert (head.tail, head.pending, head.lease) == (found.tail, found.pending, found.lease)
    assert (found.tail, found.size, found.unsealed) == (2, 2, 1)
    assert (found.appended, found.appended_before) == (kept.now, None)
    assert found.clients["c"] == Sent(1, 1)
    assert found.lease == Lease(kept.now + LIFE, LIFE, "c")
    assert (await kept.log.read(STREAM)).tail == 2
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [b"1", b"2"]


async def test_a_stream_that_is_there_takes_no_first_batch_and_tells_of_its_client(
    kept: Kept,
) -> None:
    await open_(kept)
    await commit(kept, b"1", client="c")
    before = await there(kept)
    done, head = await begin(kept, b"2")
    assert not done
    assert (head.generation, head.tail) == (before.generation, 1)
    assert head.clients["c"] == Sent(0, 0)
    assert await there(kept) == before


async def test_a_first_batch_takes_the_place_of_a_stream_that_is_forgotten(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, b"1", client="c")
    kept.now += LIFE
    assert (await begin(kept, b"2")).done
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [b"2"]


async def test_no_first_batch_comes_into_a_run_that_is_completed(kept: Kept) -> None:
    await kept.store.runs.complete(ended(kept.now, kept.now + LIFE))
    with pytest.raises(RunCompleted):
        await begin(kept, b"1")
    assert await kept.store.heads.get(STREAM) is None


@pytest.mark.parametrize("longer", [0, LIFE])
async def test_opening_a_stream_makes_its_runs_record_last_and_never_shorter(
    kept: Kept, longer: int
) -> None:
    await kept.store.runs.put(Run("run", kept.now, kept.now + LIFE + longer, "above"))
    kept.now += 5
    await open_(kept)
    record = await there_is(kept)
    assert (record.parent, record.expires) == ("above", kept.now + 2 * LIFE)
    kept.now -= 3
    await open_(kept, stream=OTHER)
    assert (await there_is(kept)).expires == record.expires


# Batches and segments


async def test_a_batch_is_given_back_as_it_was_put(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, b'"1"', '"ü"'.encode(), client="schlüssel", terms=Terms(kept.now))
    await commit(kept, b"3")
    stored = await fetched(kept.store.batches, STREAM, (await there(kept)).pending)
    assert [batch.lines for batch in stored] == ['"1"\n"ü"\n'.encode(), b"3\n"]
    assert [(batch.client, batch.number) for batch in stored] == [("schlüssel", 0), (None, 0)]


async def test_a_batch_that_was_removed_is_missing(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, LARGE)
    (pointer,) = (await there(kept)).pending
    for _ in range(2):
        await kept.store.batches.delete(STREAM, [pointer.object])
    with pytest.raises(ObjectMissing):
        await kept.store.batches.get(STREAM, [pointer])


async def test_batches_as_objects_and_in_their_pointers_stand_side_by_side(kept: Kept) -> None:
    await open_(kept)
    for number, chunk in enumerate((b"1", LARGE, b"3")):
        previous = number - 1 if number else None
        await commit(kept, chunk, client="c", number=number, terms=Terms(kept.now, previous))
    pending = (await there(kept)).pending
    assert [(pointer.first, pointer.count, pointer.size) for pointer in pending] == [
        (0, 1, 1),
        (1, 1, len(LARGE)),
        (2, 1, 1),
    ]
    stored = await fetched(kept.store.batches, STREAM, pending)
    assert [batch.lines for batch in stored] == [b"1\n", LARGE + b"\n", b"3\n"]
    assert [(batch.client, batch.number) for batch in stored] == [("c", 0), ("c", 1), ("c", 2)]


async def test_no_batch_lies_in_the_head_of_a_stream_that_was_opened_without(kept: Kept) -> None:
    """Whoever opened it may not know of such a thing, and is still at work."""
    await kept.another(replace(kept.limits, inline_bytes=0)).create(STREAM)
    for number in range(3):
        await kept.append(STREAM, b"%d" % number, client="c", number=number)
    assert [pointer.batch for pointer in (await there(kept)).pending] == [None] * 3


async def test_segments_are_listed_by_their_last_index_from_any_index_on(kept: Kept) -> None:
    bounds = [(0, 4), (5, 9), (0, 9), (10, 10), (11, 1000)]
    for first, last in reversed(bounds):
        name = SegmentName("g1", last, first, kept.now)
        await kept.store.segments.put(STREAM, name, b"x" * (last + 1))
        await kept.store.segments.put(STREAM, name, b"x" * (last + 1))
        await kept.store.segments.put(OTHER, name._replace(generation="g2"), b"")
    for index in (0, 4, 5, 9, 10, 11, 1000, 1001):
        names = await kept.store.segments.names(STREAM, "g1", index)
        expected = sorted(last for _, last in bounds if last >= index)
        assert [name.last for name in names] == expected
        assert all(name.size == name.last + 1 for name in names)
    assert await kept.store.segments.names(STREAM, "g2", 0) == []
    assert await kept.store.segments.generations(OTHER) == ["g2"]


async def test_a_segment_is_read_in_parts_as_far_as_it_goes(kept: Kept) -> None:
    name = SegmentName("g1", 9, 0, kept.now)
    await kept.store.segments.put(STREAM, name, b"0123456789")
    parts = [(0, 10), (3, 5), (8, 99), (5, 5)]
    got = [await kept.store.segments.get(STREAM, name, *part) for part in parts]
    assert got == [b"0123456789", b"34", b"89", b""]
    for _ in range(2):
        await kept.store.segments.delete(STREAM, [name])
    with pytest.raises(ObjectMissing):
        await kept.store.segments.get(STREAM, name, 0, 10)


# Opening


async def test_a_stream_that_is_open_stays_as_it_is(kept: Kept) -> None:
    assert await kept.store.heads.get(STREAM) is None
    first = await open_(kept)
    kept.now += LIFE - 1
    assert await open_(kept, "g2") == first


async def test_a_stream_that_has_expired_is_opened_anew(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, client="c")
    kept.now += LIFE
    head = await open_(kept, "g2")
    assert head.generation == kept.generation("g2")
    assert (head.tail, head.pending, dict(head.clients)) == (0, (), {})


async def test_no_stream_of_a_completed_run_is_opened(kept: Kept) -> None:
    await open_(kept)
    await kept.store.runs.complete(ended(kept.now, kept.now + LIFE))
    with pytest.raises(RunCompleted):
        await open_(kept, stream=OTHER)
    assert await kept.store.heads.get(OTHER) is None
    kept.now += LIFE  # the run is forgotten, so its id is free
    assert (await open_(kept, stream=OTHER)).generation == kept.generation("g1")


# Committing


async def test_a_commit_moves_everything_at_once(kept: Kept) -> None:
    await open_(kept)
    kept.now += 7
    await commit(kept, b"1", b"22", client="c")
    kept.now += 1
    done = await commit(
        kept,
        *(b"22", b"333", b"4444"),
        terms=Terms(kept.now, previous=1),
        skip=1,
        client="c",
        number=1,
    )
    head = await there(kept)
    assert isinstance(done, Committed)
    assert (done.first, done.head.tail, done.head.pending[-1]) == (2, 4, head.pending[-1])
    assert (head.tail, head.size, head.unsealed) == (4, 10, 2)
    assert (head.appended_before, head.appended) == (kept.now - 1, kept.now)
    assert head.expires == kept.now + LIFE
    assert head.clients["c"] == Sent(3, 3)
    pointer = head.pending[-1]
    skip = 1 if pointer.batch is None else 0  # what lies in a pointer is only what is left
    assert (pointer.skip, pointer.count, pointer.size, pointer.first) == (skip, 2, 7, 2)


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        (Terms(0), True),
        (Terms(0, spills=1), False),
        (Terms(0, generation="g1"), True),
        (Terms(0, generation="g2"), False),
        (Terms(0, previous=0), False),
        (Terms(LIFE - 1), True),
        (Terms(LIFE), False),
    ],
)
async def test_a_new_clients_commit_takes_effect_only_on_its_terms(
    kept: Kept, terms: Terms, fits: bool
) -> None:
    before = await open_(kept)
    generation = terms.generation and kept.generation(terms.generation)
    terms = replace(terms, now=kept.now + terms.now, generation=generation)
    done = await commit(kept, client="c", terms=terms)
    after = await there(kept)
    assert isinstance(done, Committed) == fits
    assert (after.tail, after.unsealed) == ((1, 1) if fits else (0, 0))
    assert fits or after == before
    assert fits or done.head == before


@pytest.mark.parametrize(
    ("previous", "fits"), [(None, False), (0, False), (1, True), (2, False)], ids=str
)
async def test_a_known_clients_commit_must_follow_its_last_chunk(
    kept: Kept, previous: int | None, fits: bool
) -> None:
    await open_(kept)
    await commit(kept, b"0", b"1", client="c")
    terms = Terms(kept.now, previous)
    done = await commit(kept, client="c", number=2, terms=terms)
    assert isinstance(done, Committed) == fits
    if not fits:
        assert done.head is not None
        assert done.head.clients["c"] == Sent(1, 1)


async def test_a_one_shot_append_takes_effect_once(kept: Kept) -> None:
    await open_(kept)
    assert isinstance(await commit(kept, once="key"), Committed)
    again = await commit(kept, once="key")
    assert isinstance(again, NotCommitted)
    assert again.head is not None
    assert again.head.once["key"] == 0


async def test_of_equal_commits_at_once_one_takes_effect(kept: Kept) -> None:
    await open_(kept)
    tries = (commit(kept, b"0", client="c") for _ in range(12))
    done = await asyncio.gather(*tries)
    assert sum(isinstance(each, Committed) for each in done) == 1
    assert (await there(kept)).tail == 1


async def test_commits_at_once_get_neighbouring_indexes(kept: Kept) -> None:
    await open_(kept)
    done = await asyncio.gather(*(commit(kept, b"0", b"1") for _ in range(12)))
    firsts = sorted(each.first for each in done if isinstance(each, Committed))
    assert firsts == list(range(0, 24, 2))
    assert [pointer.first for pointer in (await there(kept)).pending] == firsts


async def test_a_head_brings_the_pointers_asked_for_and_the_newest(kept: Kept) -> None:
    await open_(kept)
    for _ in range(4):
        await commit(kept, b"0", b"1")
    for since in (0, 3, 7, 8, 100):
        head = await kept.store.heads.get(STREAM, since=since)
        assert head is not None
        assert {pointer.first for pointer in head.pending} >= {
            *(first for first in (0, 2, 4, 6) if first + 2 > since),
            6,
        }


# Sealing


async def sealable(kept: Kept) -> tuple[Head, Pointer]:
    """Return a head of four batches, and the second of them."""
    await open_(kept)
    for number in range(4):
        await commit(kept, b"%d" % number)
    head = await there(kept)
    return head, head.pending[1]


async def test_sealing_drops_the_oldest_pointers(kept: Kept) -> None:
    seen, upto = await sealable(kept)
    await commit(kept, b"4")
    assert await kept.store.heads.seal(STREAM, seen, upto, 2)
    head = await there(kept)
    assert (head.sealed, head.sealed_time, head.unsealed, head.tail) == (2, upto.time, 3, 5)
    assert [pointer.first for pointer in head.pending] == [2, 3, 4]


async def test_of_sealers_that_saw_the_same_one_takes_effect(kept: Kept) -> None:
    seen, upto = await sealable(kept)
    tries = (kept.store.heads.seal(STREAM, seen, upto, 2) for _ in range(6))
    assert sorted(await asyncio.gather(*tries)) == [False] * 5 + [True]
    assert (await there(kept)).sealed == 2


async def test_a_stream_opened_anew_is_not_sealed_as_the_one_before(kept: Kept) -> None:
    seen, upto = await sealable(kept)
    kept.now += LIFE
    assert (await open_(kept, "g2")).generation == kept.generation("g2")
    for number in range(4):
        await commit(kept, b"%d" % number)
    assert not await kept.store.heads.seal(STREAM, seen, upto, 2)
    assert (await there(kept)).unsealed == 4


# Clients outside the head


async def test_a_client_outside_the_head_never_goes_back(kept: Kept) -> None:
    heads = kept.store.heads
    assert await heads.spilled(STREAM, "g1", "c") is None
    furthest = Sent(-1, -1)
    for sent in (Sent(4, 9), Sent(2, 3), Sent(5, 11), Sent(5, 11), Sent(0, 0)):
        furthest = max(furthest, sent, key=lambda each: each.number)
        await heads.spill(STREAM, "g1", {"c": sent, "d": sent}, kept.now + LIFE)
        assert await heads.spilled(STREAM, "g1", "c") == furthest
        assert await heads.spilled(STREAM, "g1", "d") == furthest


async def test_a_client_outside_the_head_belongs_to_one_generation_of_one_stream(
    kept: Kept,
) -> None:
    heads = kept.store.heads
    await heads.spill(STREAM, "g1", {"c": Sent(9, 9)}, kept.now + LIFE)
    await heads.spill(STREAM, "g2", {"c": Sent(1, 1)}, kept.now + LIFE)
    await heads.spill(OTHER, "g1", {"c": Sent(2, 2)}, kept.now + LIFE)
    await heads.delete_spilled(STREAM, "g1")
    assert await heads.spilled(STREAM, "g1", "c") is None
    assert await heads.spilled(STREAM, "g2", "c") == Sent(1, 1)
    assert await heads.spilled(OTHER, "g1", "c") == Sent(2, 2)


async def test_clients_leave_the_head_only_when_none_of_them_has_moved(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, client="c")
    await commit(kept, client="d")
    await commit(kept, once="key")
    seen = await there(kept)
    gone = {"c": seen.clients["c"], "d": seen.clients["d"]}
    await commit(kept, client="d", number=1, terms=Terms(kept.now, previous=0))
    assert not await kept.store.heads.forget(STREAM, seen, gone, ["key"])
    assert known(await there(kept), "cd") == {"c", "d"}
    assert await kept.store.heads.forget(STREAM, seen, {"c": gone["c"]}, ["key"])
    head = await there(kept)
    assert (known(head, "cd"), dict(head.once), head.spills) == ({"d"}, {}, 1)


async def test_clients_of_a_stream_opened_anew_stay(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, client="c")
    seen = await there(kept)
    kept.now += LIFE
    await open_(kept, "g2")
    await commit(kept, client="c")
    assert not await kept.store.heads.forget(STREAM, seen, seen.clients, [])
    assert known(await there(kept), "c") == {"c"}


# Closing, stopping, listing, deleting


async def test_whoever_closes_first_has_closed_it(kept: Kept) -> None:
    heads, later = kept.store.heads, kept.now + 5 * LIFE
    assert await heads.close(STREAM, Closed("failed"), kept.now, later) is None
    await open_(kept)
    for closed, by_run in ((Closed("failed", "why"), False), (Closed("completed"), True)):
        head = await heads.close(STREAM, closed, kept.now, later, by_run=by_run)
        assert head is not None
        assert (head.closed, head.closed_by_run) == (Closed("failed", "why"), False)
        assert head.expires == later
    assert isinstance(await commit(kept), NotCommitted)
    assert await heads.close(STREAM, Closed("failed"), later, later + 1) is None


async def test_a_stop_is_for_a_stream_that_lives(kept: Kept) -> None:
    assert await kept.store.heads.ask_stop(STREAM, kept.now) is None
    await open_(kept)
    assert await kept.store.heads.ask_stop(STREAM, kept.now + LIFE) is None
    assert not (await there(kept)).stop
    head = await kept.store.heads.ask_stop(STREAM, kept.now)
    assert head is not None
    assert head.stop


async def test_streams_are_listed_by_key_whatever_page_one_takes(kept: Kept) -> None:
    keys = sorted(["", "a", "a b", "a#", "a~", "b", "é", "語", "🙂", "z" * 256][1:])
    for key in keys:
        await open_(kept, stream=StreamId("run", key))
    await open_(kept, stream=StreamId("run2", "not of this run"))
    for limit in (1, 2, 4, 100):
        found: list[str] = []
        while page := await kept.store.heads.streams("run", limit, found[-1] if found else None):
            assert len(page) <= min(limit, len(keys) - len(found))
            found += [key for key, _ in page]
        assert found == keys


async def test_a_bare_listing_has_all_of_a_head_but_what_grows(kept: Kept) -> None:
    await open_(kept)
    await commit(kept, b"1")
    await kept.store.heads.renew(STREAM, Lease(kept.now + LIFE, LIFE, "c"), kept.now)
    await kept.store.heads.close(STREAM, Closed("failed", "why"), kept.now, kept.now + 9)
    [(key, bare)] = await kept.store.heads.streams("run", 9, None, bare=True)
    grows: Any = {"pending": (), "clients": {}, "once": {}, "unsealed": 0}
    assert key == STREAM.key
    assert replace(bare, **grows) == replace(await there(kept), **grows)


async def test_a_deleted_head_is_given_back_whole(kept: Kept) -> None:
    await open_(kept)
    for number in range(3):
        await commit(kept, b"%d" % number)
    before = await there(kept)
    gone = await kept.store.heads.delete(STREAM)
    assert gone is not None
    assert (gone.generation, gone.pending) == (before.generation, before.pending)
    assert await kept.store.heads.get(STREAM) is None
    assert await kept.store.heads.delete(STREAM) is None


# Runs


async def test_a_run_keeps_its_beginning_and_takes_a_new_lineage(kept: Kept) -> None:
    runs, now = kept.store.runs, kept.now
    assert await runs.get("run") is None
    await runs.put(Run("run", now, now + LIFE, "above", "top"))
    await runs.put(Run("run", now + 5, now + LIFE + 5, "another", "top"))
    await runs.extend("run", now + 3 * LIFE)
    await runs.extend("run", now + 2 * LIFE)
    assert await runs.get("run") == Run("run", now, now + 3 * LIFE, "another", "top")
    await runs.extend("unknown", now + LIFE)
    assert await runs.get("unknown") is None


def ended(now: int, expires: int, status: Status = "completed", error: str | None = None) -> Run:
    """Return the run as it is completed at *now*."""
    return Run("run", now, expires, completed=now, status=status, error=error)


async def test_a_run_is_completed_once(kept: Kept) -> None:
    runs, now = kept.store.runs, kept.now
    await runs.put(Run("run", now, now + LIFE, "above", "top", lease=Lease(now + 5, 5, "c")))
    first = await runs.complete(ended(now + 1, now + 2 * LIFE, "failed", "it broke"))
    again = await runs.complete(ended(now + 2, now + 3 * LIFE))
    assert first == again == await runs.get("run")
    assert first == Run(
        "run", now, now + 2 * LIFE, "above", "top", now + 1, "failed", "it broke", None
    )
    await runs.extend("run", now + 9 * LIFE)
    assert await runs.get("run") == first


async def test_a_run_that_nobody_registered_can_be_completed(kept: Kept) -> None:
    unknown = ended(kept.now, kept.now + LIFE, "canceled")
    assert await kept.store.runs.complete(unknown) == unknown
    assert await kept.store.runs.get("run") == unknown


async def test_a_runs_lease_is_renewed_with_its_record_and_takes_nothing_from_another(
    kept: Kept,
) -> None:
    runs, now = kept.store.runs, kept.now
    claims = [Lease(now + 50, 50, "c"), Lease(now + 9, 9, "d"), Lease(now + 99, 7, "c"), None]
    records = [await runs.put(Run("run", now, now + LIFE, lease=claim)) for claim in claims]
    third = Lease(now + 99, 50, "c")
    expected = [claims[0], Lease(now + 50, 50, "d"), third, third]
    assert [record.lease for record in records] == expected
    assert (await there_is(kept)).lease == third


async def test_a_runs_lease_is_released_by_whoever_promised_last(kept: Kept) -> None:
    runs, now = kept.store.runs, kept.now
    assert await runs.release("run", "c") is None
    await runs.put(Run("run", now, now + LIFE, lease=Lease(now + 60, 50, "d")))
    held = await runs.release("run", "c")
    assert held == await there_is(kept)
    assert held.lease == Lease(now + 60, 50, "d")
    released = await runs.release("run", "d")
    assert released == await there_is(kept)
    assert released.lease is None


async def test_a_run_that_is_completed_takes_no_lease(kept: Kept) -> None:
    await kept.store.runs.complete(ended(kept.now, kept.now + LIFE))
    claim = Run("run", kept.now, kept.now + LIFE, lease=Lease(kept.now + 5, 5, "c"))
    assert (await kept.store.runs.put(claim)).lease is None


async def test_of_promises_for_a_run_made_at_once_the_furthest_counts(kept: Kept) -> None:
    claims = [Lease(kept.now + at, 9 - at, "c") for at in range(1, 9)]
    records = (Run("run", kept.now, kept.now + LIFE, lease=claim) for claim in claims)
    await asyncio.gather(*(kept.store.runs.put(record) for record in records))
    assert (await there_is(kept)).lease == Lease(kept.now + 8, 8, "c")


async def there_is(kept: Kept) -> Run:
    run = await kept.store.runs.get("run")
    assert run is not None
    return run


async def test_a_run_that_is_forgotten_begins_anew(kept: Kept) -> None:
    runs, now = kept.store.runs, kept.now
    await runs.complete(replace(ended(now, now + LIFE), parent="above", root="top"))
    fresh = Run("run", now + LIFE, now + 3 * LIFE)
    assert await runs.put(fresh) == fresh
    assert await runs.get("run") == fresh
