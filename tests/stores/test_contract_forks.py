"""Forks, held against every store: nothing is copied, nothing is lost, what nobody needs goes."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from runstreams.core.entries import AgreedDifferently, ContentTypeDiffers, Entry
from runstreams.core.errors import (
    DeletedWithForks,
    IndexExpired,
    InvalidRequest,
    NotThere,
    RunstreamsError,
    Uncertain,
)
from runstreams.core.forking import ForkedTooDeep, Wish
from runstreams.core.forks import STRANDS, SourceGone, fork_ref
from runstreams.core.limits import DAY_MS, FORGOTTEN_MS
from runstreams.core.model import Charter, Closed, Fork, ForkRef, Head, Run, StreamId, Turn
from runstreams.core.ports import Opened
from tests.beginnings import beginning
from tests.stores.conftest import Kept
from tests.stores.test_contract_entries import TEXT, entry, text
from tests.stores.test_contract_ports import LIFE, open_, there

SOURCE = StreamId("run", "source")
FORK = StreamId("run", "fork")
SECOND = StreamId("other", "second")


async def fork(
    kept: Kept, stream: StreamId = FORK, source: StreamId = SOURCE, **wish: Any
) -> tuple[Head, bool]:
    """Fork *source* as *stream*; return its head, and whether it was not there before."""
    return await kept.log.fork(stream, Wish(source, **wish), beginning(Entry()))


async def write(kept: Kept, stream: StreamId, *numbers: int) -> None:
    """Append *numbers*, each by itself."""
    for number in numbers:
        await kept.append(stream, b"%d" % number)


async def numbers(kept: Kept, stream: StreamId, start: int | None = None) -> list[int]:
    """Return the numbers that *stream* holds from *start* on."""
    return [int(chunk.data) for chunk in await kept.everything(stream, start)]


async def segments(kept: Kept, stream: StreamId) -> int:
    """Return how many segments there are of *stream*, whatever the generation."""
    found = 0
    for generation in await kept.store.segments.generations(stream):
        found += len(await kept.store.segments.names(stream, generation, 0))
    return found


# The ports


def of(source: Head, stream: StreamId = SOURCE) -> Fork:
    """Return what a stream has that was forked from an empty one."""
    return Fork(stream, source.generation, 0, 0, source.created, 0)


async def begin(kept: Kept, fork: Fork) -> Opened:
    head = Head(kept.generation("f1"), kept.now, kept.now + LIFE, fork=fork)
    run = Run(FORK.run, kept.now, kept.now + LIFE)
    return await kept.store.heads.open(FORK, head, run, kept.limits)


async def test_a_fork_is_listed_and_counted_with_its_opening(kept: Kept) -> None:
    source = await open_(kept, stream=SOURCE)
    for expected in (True, False):
        assert (await begin(kept, of(source))).done is expected
        opened = await there(kept, FORK)
        assert (opened.fork, (await there(kept, SOURCE)).forks) == (of(source), 1)
        refs = await kept.store.heads.forks(SOURCE, source.generation)
        assert refs == [fork_ref(FORK, opened, kept.limits)]
    await kept.store.heads.forget_fork(SOURCE, source.generation, refs[0])
    assert await kept.store.heads.forks(SOURCE, source.generation) == []


async def test_nothing_is_forked_from_another_stream_than_was_seen(kept: Kept) -> None:
    source = await open_(kept, stream=SOURCE)
    with pytest.raises(SourceGone):
        await begin(kept, replace(of(source), generation=kept.generation("g2")))
    await kept.store.heads.bury(SOURCE, source, Closed("canceled", code="deleted"), source.expires)
    with pytest.raises(SourceGone):
        await begin(kept, of(source))
    assert await kept.store.heads.get(FORK) is None
    assert (await there(kept, SOURCE)).forks == 0


async def test_a_head_stays_unless_all_its_forks_are_known(kept: Kept) -> None:
    source = await open_(kept, stream=SOURCE)
    await begin(kept, of(source))
    forked = await there(kept, SOURCE)
    other = replace(forked, generation=kept.generation("g2"))
    for seen in (None, source, other):
        assert await kept.store.heads.delete(SOURCE, seen) is not None
        assert (await there(kept, SOURCE)).generation == source.generation
    assert await kept.store.heads.delete(SOURCE, forked) is not None
    assert await kept.store.heads.get(SOURCE) is None


# What users are promised


async def test_a_fork_begins_with_what_its_source_holds_and_copies_none_of_it(kept: Kept) -> None:
    await write(kept, SOURCE, *range(20))
    kept.now += 5
    head, is_new = await fork(kept)
    assert (is_new, head.tail) == (True, 20)
    await write(kept, FORK, *range(20, 40))  # beyond a seal
    assert await numbers(kept, FORK) == list(range(40))
    assert await numbers(kept, FORK, 13) == list(range(13, 40))
    known = await kept.everything(SOURCE)
    assert (await kept.everything(FORK))[:20] == known
    names = await kept.store.segments.names(FORK, head.generation, 0)
    assert min((name.first for name in names), default=20) == 20


async def test_a_fork_and_its_source_go_their_own_ways(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1, 2)
    await fork(kept, anchor=2)
    await write(kept, SOURCE, 3)
    await write(kept, FORK, 9)
    await kept.log.close(SOURCE, Closed("completed"))
    assert await numbers(kept, SOURCE) == [0, 1, 2, 3]
    assert await numbers(kept, FORK) == [0, 1, 9]
    assert (await there(kept, FORK)).closed is None


async def test_a_fork_that_is_created_with_all_it_will_have_is_sealed(kept: Kept) -> None:
    await write(kept, SOURCE, 0)
    first = Entry(b"1\n2\n", 2, closes=True)
    await kept.log.fork(FORK, Wish(SOURCE), beginning(first))
    head = await there(kept, FORK)
    assert (head.closed, head.sealed, head.pending) == (Closed("completed"), 3, ())
    assert await numbers(kept, FORK) == [0, 1, 2]


async def test_a_live_reader_of_a_fork_gets_both_and_waits_for_its_own(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1)
    await fork(kept)
    follower = await kept.log.follow(FORK, 0, silence=20)
    got: list[int] = []

    async def follow() -> None:
        async for event in follower.events():
            got.extend(int(chunk.data) for chunk in getattr(event, "chunks", ()))

    reading = asyncio.create_task(follow())
    while got != [0, 1]:
        await asyncio.sleep(0.001)
    await write(kept, SOURCE, 7)
    await write(kept, FORK, 2)
    await kept.log.close(FORK, Closed("completed"))
    await reading
    assert got == [0, 1, 2]


async def test_a_fork_of_a_fork_has_chunks_of_all(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1, 2)
    await fork(kept, anchor=2)
    await write(kept, FORK, 12, 13)
    head, _ = await fork(kept, SECOND, FORK, anchor=3)
    await write(kept, SECOND, 23)
    assert await numbers(kept, SECOND) == [0, 1, 12, 23]
    assert head.fork
    assert [strand.end for strand in head.fork.strands] == [2, 3]
    # One that parts before its source has anything of its own has nothing of that.
    head, _ = await fork(kept, StreamId("run", "third"), SECOND, anchor=1)
    assert head.fork
    assert [strand.stream for strand in head.fork.strands] == [SOURCE]


async def test_a_fork_parts_within_a_batch_and_not_beyond_it(kept: Kept) -> None:
    await kept.append(SOURCE, b"0", b"1", b"2")
    await kept.append(SOURCE, b"3")
    head, _ = await fork(kept, anchor=1, beyond=1)
    assert (head.tail, await numbers(kept, FORK)) == (2, [0, 1])
    with pytest.raises(InvalidRequest):
        await fork(kept, SECOND, anchor=1, beyond=3)
    with pytest.raises(InvalidRequest):
        await fork(kept, SECOND, anchor=4, beyond=1)
    with pytest.raises(InvalidRequest):
        await fork(kept, SECOND, anchor=5)


@pytest.mark.parametrize("beyond", [0, 3, 600_000, 1_200_000])
async def test_a_fork_of_bytes_parts_anywhere_in_an_entry(kept: Kept, beyond: int) -> None:
    """Also where that takes several chunks."""
    large = "".join(f"{at:07}\n" for at in range(150_000))
    await kept.log.found(SOURCE, TEXT, entry("first"))
    await kept.log.write(SOURCE, entry(large))
    await kept.log.write(SOURCE, entry("last"))
    await kept.log.fork(FORK, Wish(SOURCE, 1, beyond), beginning(entry("own")))
    page = await kept.log.read(FORK, 0, raw=True, size=4_000_000)
    assert page.next_index == page.tail
    assert await text_of(kept) == f"first{large[:beyond]}own"
    with pytest.raises(InvalidRequest):
        await fork(kept, SECOND, anchor=1, beyond=len(large) + 1)


async def text_of(kept: Kept, stream: StreamId = FORK) -> str:
    """Return all that *stream* holds, page by page."""
    found, index, tail = "", 0, 1
    while index < tail:
        page = await kept.log.read(stream, index, raw=True, size=4_000_000)
        index, tail = page.next_index, page.tail
        found += "".join(bytes(chunk.data[1:]).decode() for chunk in page.chunks)
    return found.replace("\x10n", "\n")


async def test_a_fork_is_of_its_sources_type_and_lifetime_unless_it_wants_another(
    kept: Kept,
) -> None:
    await kept.log.found(SOURCE, replace(TEXT, ttl_ms=9000), entry("a", number=0))
    same, _ = await fork(kept)
    assert (same.charter, same.expires) == (Charter("text/plain", 9000), kept.now + 9000)
    own, _ = await fork(kept, SECOND, content_type="Text/plain", expires_at=kept.now + 5)
    assert own.charter == Charter("text/plain", None, kept.now + 5)
    with pytest.raises(ContentTypeDiffers):
        await fork(kept, StreamId("run", "third"), content_type="application/json")
    assert (await there(kept, SOURCE)).forks == 2


async def test_a_fork_knows_nothing_of_who_wrote_to_its_source(kept: Kept) -> None:
    await kept.log.found(SOURCE, TEXT)
    first = replace(entry("a"), order="5", turn=Turn("p", 0, 0))
    await kept.log.write(SOURCE, first)
    await fork(kept)
    written = await kept.log.write(FORK, replace(first, order="1"))
    assert not written.repeated
    assert await text(kept, FORK) == "aa"


async def test_a_fork_is_made_once_and_found_again(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1)
    first, _ = await fork(kept, anchor=1)
    await write(kept, SOURCE, 2)
    for wish in ({}, {"anchor": 1}):
        again, is_new = await fork(kept, **wish)
        assert (is_new, again.generation) == (False, first.generation)
    assert (await there(kept, SOURCE)).forks == 1
    for other in ({"anchor": 2}, {"anchor": 1, "beyond": 1}, {"ttl_ms": 5}, {"source": SECOND}):
        with pytest.raises(AgreedDifferently):
            await fork(kept, **other)
    with pytest.raises(AgreedDifferently):
        await kept.log.found(FORK, Charter())


async def test_there_is_no_fork_of_what_is_not_there(kept: Kept) -> None:
    with pytest.raises(NotThere):
        await fork(kept)
    assert await kept.log.head(FORK) is None


async def test_a_stream_has_chunks_of_so_many_others_at_most(kept: Kept) -> None:
    last = SOURCE
    for number in range(4):
        await write(kept, last, number)
        last, before = StreamId("run", f"{number}"), last
        with patch("runstreams.core.forking.STRANDS", 3):
            if number < 3:
                await fork(kept, last, before)
                continue
            with pytest.raises(ForkedTooDeep):
                await fork(kept, last, before)
    assert STRANDS > 3


async def test_what_is_too_old_in_a_source_is_gone_in_its_forks(kept: Kept) -> None:
    await write(kept, SOURCE, *range(20))
    kept.now += 10 * DAY_MS
    await write(kept, SOURCE, 20, 21)
    await fork(kept)
    await write(kept, FORK, 22)
    kept.now += 20 * DAY_MS
    head = await there(kept, FORK)
    assert await kept.log.first_index(FORK, head) == 20
    with pytest.raises(IndexExpired) as refused:
        await kept.log.read(FORK, 3)
    assert refused.value.first_index == 20
    assert await numbers(kept, FORK) == [20, 21, 22]
    late, _ = await fork(kept, SECOND, anchor=7)
    assert (await kept.log.first_index(SECOND, late), late.tail) == (7, 7)


async def test_a_deleted_stream_stays_for_its_forks_alone(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1)
    await fork(kept)
    assert [await kept.log.delete(SOURCE) for _ in range(2)] == [True, False]
    assert await kept.log.head(SOURCE) is None
    assert isinstance(await kept.log.absence(SOURCE), DeletedWithForks)
    assert [info.key for info in await kept.log.streams("run", 9, None)] == ["fork"]
    with pytest.raises(DeletedWithForks):
        await kept.append(SOURCE, b"2")
    with pytest.raises(DeletedWithForks):
        await kept.log.create(SOURCE)
    for creation in (kept.log.found(SOURCE, Charter()), fork(kept, SECOND)):
        with pytest.raises(AgreedDifferently):
            await creation
    assert await numbers(kept, FORK) == [0, 1]


async def test_a_deleted_stream_goes_with_the_last_of_its_forks(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1)
    await fork(kept)
    await fork(kept, SECOND)
    await kept.log.delete(SOURCE)
    await kept.log.delete(FORK)
    assert await numbers(kept, SECOND) == [0, 1]
    await kept.log.delete(SECOND)
    assert await kept.store.heads.get(SOURCE) is None
    assert await segments(kept, SOURCE) == 0
    assert not isinstance(await kept.log.absence(SOURCE), DeletedWithForks)
    await write(kept, SOURCE, 7)
    assert await numbers(kept, SOURCE) == [7]


async def chain(kept: Kept) -> list[StreamId]:
    """Return streams that each were forked from the one before, and have a chunk of their own."""
    streams = [SOURCE, FORK, SECOND]
    for at, stream in enumerate(streams):
        if at:
            await fork(kept, stream, streams[at - 1])
        await write(kept, stream, at)
    return streams


async def test_a_deletion_goes_up_the_whole_chain(kept: Kept) -> None:
    streams = await chain(kept)
    await kept.log.delete(SOURCE)
    await kept.log.delete(FORK)
    assert await numbers(kept, SECOND) == [0, 1, 2]
    await kept.log.delete(SECOND)
    for stream in streams:
        assert await kept.store.heads.get(stream) is None
        assert await segments(kept, stream) == 0


async def test_a_stream_lives_on_when_its_forks_are_deleted(kept: Kept) -> None:
    await chain(kept)
    await kept.log.delete(SECOND)
    await kept.log.delete(FORK)
    assert await numbers(kept, SOURCE) == [0]
    assert await kept.log.delete(SOURCE)
    assert await kept.store.heads.get(SOURCE) is None


async def test_a_fork_that_is_forgotten_holds_nothing(kept: Kept) -> None:
    """An hour later: clocks differ. Who deletes the stream once more finds out."""
    await write(kept, SOURCE, 0)
    await fork(kept, ttl_ms=1000)
    await kept.log.delete(SOURCE)
    for ms, is_kept in ((FORGOTTEN_MS + 999, True), (1, False)):
        kept.now += ms
        assert not await kept.log.delete(SOURCE)
        assert isinstance(await kept.log.absence(SOURCE), DeletedWithForks) is is_kept
    assert await segments(kept, SOURCE) == 0
    await write(kept, SOURCE, 7)
    assert await numbers(kept, SOURCE) == [7]


async def test_what_forks_need_of_a_forgotten_stream_outlives_the_next_of_its_name(
    kept: Kept,
) -> None:
    """And that of a forgotten fork's own forks as well."""
    for at, (stream, source) in enumerate([(SOURCE, None), (FORK, SOURCE), (SECOND, FORK)]):
        if source is None:
            await kept.log.found(stream, Charter(ttl_ms=1000))
        else:
            await fork(kept, stream, source, ttl_ms=1000 if stream == FORK else DAY_MS)
        await write(kept, stream, at)
    kept.now += FORGOTTEN_MS + 1000
    for stream in (SOURCE, FORK):
        assert await kept.log.head(stream) is None
        await write(kept, stream, 9)
        await kept.log.delete(stream)
    assert await numbers(kept, SECOND) == [0, 1, 2]
    await kept.log.delete(SECOND)
    assert [await segments(kept, stream) for stream in (SOURCE, FORK)] == [0, 0]


# Races, and answers that are lost


async def test_a_fork_meets_a_deletion(kept: Kept) -> None:
    """Whichever is first: the fork is there with all its chunks, or not at all."""
    open_head, meets = kept.store.heads.open, [True]

    async def late(*arguments: Any) -> Opened:
        if meets:
            meets.pop()
            await kept.another().delete(SOURCE)
        return await open_head(*arguments)

    await write(kept, SOURCE, 0)
    with patch.object(kept.store.heads, "open", late), pytest.raises(NotThere):
        await fork(kept)
    assert await kept.log.head(FORK) is None


async def test_a_deletion_meets_a_fork(kept: Kept) -> None:
    await write(kept, SOURCE, 0)
    await fork(kept, SECOND)
    await kept.log.delete(SECOND)
    delete, meets = kept.store.heads.delete, [True]

    async def late(stream: StreamId, seen: Head | None = None) -> Head | None:
        if meets and seen is not None:
            meets.pop()
            await fork(kept)
        return await delete(stream, seen)

    with patch.object(kept.store.heads, "delete", late):
        await kept.log.delete(SOURCE)
    assert not meets
    assert isinstance(await kept.log.absence(SOURCE), DeletedWithForks)
    assert await numbers(kept, FORK) == [0]


async def test_the_last_fork_goes_while_its_source_is_deleted(kept: Kept) -> None:
    await write(kept, SOURCE, 0)
    await fork(kept)
    bury = kept.store.heads.bury

    async def late(*arguments: Any) -> bool:
        await kept.another().delete(FORK)
        return await bury(*arguments)

    with patch.object(kept.store.heads, "bury", late):
        await kept.log.delete(SOURCE)
    assert await kept.store.heads.get(SOURCE) is None


async def test_a_fork_that_comes_while_the_last_one_is_deleted_keeps_its_chunks(
    kept: Kept,
) -> None:
    await write(kept, SOURCE, 0)
    await fork(kept)
    forks, meets = kept.store.heads.forks, [True]

    async def soon_old(*arguments: Any) -> list[ForkRef]:
        answer = await forks(*arguments)
        if meets:
            meets.pop()
            await fork(kept, SECOND)
            await kept.another().delete(SOURCE)
        return answer

    with patch.object(kept.store.heads, "forks", soon_old):
        await kept.log.delete(FORK)
    assert not meets
    assert await numbers(kept, SECOND) == [0]


async def test_forks_that_are_deleted_at_once_take_their_source_along(kept: Kept) -> None:
    await write(kept, SOURCE, 0)
    await fork(kept)
    await fork(kept, SECOND)
    await kept.log.delete(SOURCE)
    await asyncio.gather(kept.log.delete(FORK), kept.another().delete(SECOND))
    assert await kept.store.heads.get(SOURCE) is None
    assert await segments(kept, SOURCE) == 0


async def test_many_who_fork_at_once_are_all_counted(kept: Kept) -> None:
    await write(kept, SOURCE, 0, 1)
    streams = [StreamId("run", f"fork{at}") for at in range(4)]
    await asyncio.gather(*(fork(kept, stream) for stream in [*streams, *streams]))
    assert (await there(kept, SOURCE)).forks == 4
    for stream in streams:
        assert await numbers(kept, stream) == [0, 1]


async def test_a_fork_whose_answer_is_lost_is_found_and_counted_once(kept: Kept) -> None:
    open_head, lost = kept.store.heads.open, [True]

    async def unheard(*arguments: Any) -> Opened:
        answer = await open_head(*arguments)
        if lost:
            lost.pop()
            raise Uncertain("lost")
        return answer

    await write(kept, SOURCE, 0)
    with patch.object(kept.store.heads, "open", unheard):
        await fork(kept)
    source = await there(kept, SOURCE)
    assert (source.forks, len(await kept.store.heads.forks(SOURCE, source.generation))) == (1, 1)


@pytest.mark.parametrize("port", ["heads.forks", "heads.forget_fork", "heads.get"])
async def test_a_deletion_that_broke_off_is_finished_by_the_next(kept: Kept, port: str) -> None:
    """However far it came: the fork itself is gone at once."""
    await write(kept, SOURCE, 0)
    await fork(kept)
    await kept.log.delete(SOURCE)
    name, method = port.split(".")

    async def broken(*_: Any, **__: Any) -> Any:
        raise Uncertain("broken off")

    with patch.object(getattr(kept.store, name), method, broken), pytest.raises(RunstreamsError):
        await kept.log.delete(FORK)
    assert await kept.log.head(FORK) is None
    assert not await kept.log.delete(SOURCE)
    assert await kept.store.heads.get(SOURCE) is None
    assert await segments(kept, SOURCE) == 0
