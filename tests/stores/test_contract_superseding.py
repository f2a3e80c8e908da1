"""Superseding, held against every store: what no longer counts is noted with what follows it."""

import asyncio
from dataclasses import replace

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import (
    FencedOff,
    IndexBeyondTail,
    StreamClosed,
    SupersededTooOften,
)
from runstreams.core.forking import Wish
from runstreams.core.limits import DAY_MS
from runstreams.core.model import Appended, Closed, Span, StreamId
from runstreams.core.superseding import SPANS
from tests.beginnings import beginning
from tests.stores.conftest import Kept
from tests.stores.test_contract_ports import STREAM, there

FORK = StreamId("run", "fork")


async def append(
    kept: Kept, *chunks: bytes, supersedes: int | None = None, fence: int | None = None
) -> Appended:
    """Append *chunks* in the name of nobody."""
    return await kept.log.append(
        STREAM, replace(kept.batch(*chunks), supersedes=supersedes, fence=fence)
    )


async def superseded(kept: Kept, stream: StreamId = STREAM) -> tuple[Span, ...]:
    """Return what a page and the description tell alike."""
    page, info = await kept.log.read(stream), await kept.log.describe(stream)
    assert info is not None
    assert page.superseded == info.superseded
    return page.superseded


async def test_chunks_are_superseded_by_those_that_come_with_the_word_and_stay(kept: Kept) -> None:
    await append(kept, b"0", b"1", b"2")
    assert await superseded(kept) == ()
    done = await append(kept, b"1'", b"2'", supersedes=1)
    assert (done.first, done.last) == (3, 4)
    assert await superseded(kept) == (Span(1, 3),)
    assert [chunk.data for chunk in await kept.everything(STREAM)] == [
        *(b"0", b"1", b"2"),
        *(b"1'", b"2'"),
    ]


async def test_spans_that_overlap_or_meet_are_one(kept: Kept) -> None:
    await append(kept, b"0")
    for supersedes in (0, 3):
        await append(kept, b"1", b"2", b"3", b"4", supersedes=supersedes)
    assert await superseded(kept) == (Span(0, 1), Span(3, 5))
    await append(kept, b"5", supersedes=5)
    assert await superseded(kept) == (Span(0, 1), Span(3, 9))
    await append(kept, b"6", supersedes=1)
    assert await superseded(kept) == (Span(0, 10),)


async def test_a_resend_supersedes_nothing_once_more(kept: Kept) -> None:
    await append(kept, b"0", b"1")
    first = replace(kept.batch(b"0'", client="c"), supersedes=0)
    await kept.log.append(STREAM, first)
    assert (await kept.log.append(STREAM, first)).duplicate
    longer = replace(kept.batch(b"0'", b"1'", client="c"), supersedes=0)
    assert (await kept.log.append(STREAM, longer)).first == 3
    assert await superseded(kept) == (Span(0, 2),)


async def test_who_is_kept_out_supersedes_nothing(kept: Kept) -> None:
    await append(kept, b"0", fence=0)
    await kept.log.take_over(STREAM, "new", 0)
    with pytest.raises(FencedOff):
        await append(kept, b"late", supersedes=0, fence=0)
    await append(kept, b"0'", supersedes=0, fence=1)
    with pytest.raises(FencedOff):
        await append(kept, b"late", supersedes=1, fence=0)
    assert await superseded(kept) == (Span(0, 1),)


async def test_what_is_not_there_is_not_superseded(kept: Kept) -> None:
    with pytest.raises(IndexBeyondTail):
        await append(kept, b"0", supersedes=1)
    await append(kept, b"0", supersedes=0)
    with pytest.raises(IndexBeyondTail) as beyond:
        await append(kept, b"1", supersedes=2)
    assert beyond.value.tail == 1
    await append(kept, b"1", supersedes=1)
    assert await superseded(kept) == ()
    assert len(await kept.everything(STREAM)) == 2


async def test_what_is_closed_is_not_superseded(kept: Kept) -> None:
    await append(kept, b"0")
    await kept.log.close(STREAM, Closed("completed"))
    with pytest.raises(StreamClosed):
        await append(kept, b"1", supersedes=0)
    assert await superseded(kept) == ()


async def test_a_head_stays_small_however_often_chunks_are_superseded(kept: Kept) -> None:
    for at in range(SPANS):
        await append(kept, b"0", b"1")
        await append(kept, b"2", supersedes=3 * at + 1)
    await append(kept, b"0", b"1")
    with pytest.raises(SupersededTooOften) as refused:
        await append(kept, b"2", supersedes=3 * SPANS + 1)
    assert refused.value.limit == len(await superseded(kept)) == SPANS
    await append(kept, b"2", supersedes=3 * SPANS + 2)  # nothing
    await append(kept, b"2", supersedes=3)
    assert await superseded(kept) == (Span(1, 2), Span(3, 3 * SPANS + 3))


async def test_many_supersede_at_once_and_each_is_heeded(kept: Kept) -> None:
    await append(kept, b"0", b"1", b"2")
    await asyncio.gather(*(append(kept, b"x", supersedes=at) for at in (2, 1, 0)))
    assert await superseded(kept) == (Span(0, 5),)
    assert (await there(kept)).tail == 6


async def test_what_is_superseded_outlives_sealing_and_goes_with_its_stream(kept: Kept) -> None:
    await append(kept, b"0", b"1")
    await append(kept, b"2", supersedes=1)
    for _ in range(40):
        await append(kept, b"3")
    await kept.log.close(STREAM, Closed("completed"))
    assert await superseded(kept) == (Span(1, 2),)
    await kept.log.delete(STREAM)
    kept.now += DAY_MS
    await append(kept, b"0")
    assert await superseded(kept) == ()


async def test_a_fork_has_what_was_superseded_of_its_chunks_and_goes_its_own_way(
    kept: Kept,
) -> None:
    await append(kept, b"0", b"1", b"2")
    await append(kept, b"1'", supersedes=1)
    await kept.log.fork(FORK, Wish(STREAM, 2), beginning(Entry()))
    assert await superseded(kept, FORK) == (Span(1, 2),)
    await kept.log.append(FORK, replace(kept.batch(b"x"), supersedes=0))
    assert await superseded(kept, FORK) == (Span(0, 2),)
    assert await superseded(kept) == (Span(1, 3),)
