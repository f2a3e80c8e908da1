"""Pages and windows: what one reader sees, and what it costs."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio

from runstreams.core import reading
from runstreams.core.errors import IndexExpired, ObjectMissing
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, Head, SegmentName, StreamId
from runstreams.core.reading import CHUNK_OVERHEAD, Cursor, StreamGone
from runstreams.stores.memory import MemoryStore

STREAM = StreamId("run", "key")
START = 1_700_000_000_000
LIFE = 60_000
PLAN = SealingPlan(every=5, batches=5, segment_bytes=400, fan_in=10)


class Shelf:
    """A log in memory whose requests are counted and whose time is set by hand."""

    def __init__(self, plan: SealingPlan = PLAN) -> None:
        self.now = START
        self.requests: Counter[str] = Counter()
        ids = count()
        self.store = MemoryStore(lambda: f"{next(ids):016x}" * 2, plan)
        self._count("segments", "names")
        self._count("segments", "get")
        self._count("batches", "get")
        self._count("heads", "get")
        self.log = Log(
            self.store,
            limits=Limits(retention_ms=LIFE),
            clock=lambda: self.now,
            new_id=lambda: f"{next(ids):016x}" * 2,
            background=False,
        )

    def _count(self, port: str, method: str) -> None:
        original = getattr(getattr(self.store, port), method)

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.requests[f"{port}.{method}"] += 1
            return await original(*args, **kwargs)

        setattr(getattr(self.store, port), method, counted)

    async def append(self, *chunks: bytes) -> None:
        lines = b"".join(chunk + b"\n" for chunk in chunks)
        await self.log.append(STREAM, Batch(lines, len(chunks), self.now))

    async def fill(self, first: int, last: int) -> None:
        for number in range(first, last):
            await self.append(b"%d" % number)

    async def head(self, since: int = 0) -> Head:
        head = await self.log.head(STREAM, since=since)
        assert head is not None
        return head

    async def names(self) -> list[SegmentName]:
        return await self.store.segments.names(STREAM, (await self.head()).generation, 0)

    async def replay(self, most: int) -> list[int]:
        cursor, head, seen = self.log.cursor(STREAM), await self.head(), list[int]()
        while len(seen) < head.tail:
            page = await cursor.page(head, len(seen), most=most)
            seen += [int(chunk.data) for chunk in page.chunks]
        return seen


@pytest_asyncio.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """Twelve chunks, ten of them in two segments."""
    shelf = Shelf()
    await shelf.fill(0, 12)
    shelf.requests.clear()
    yield shelf


@pytest.mark.parametrize("window", [1, 2, 7, 100, 10_000])
@pytest.mark.parametrize("guess", [16, 40, 65_536])
@pytest.mark.parametrize("most", [1, 3, 100])
async def test_pages_and_windows_of_any_size_make_the_same_whole(
    shelf: Shelf, window: int, guess: int, most: int
) -> None:
    shelf.store.window = window
    with patch.object(reading, "INDEX_GUESS", guess):
        assert await shelf.replay(most) == list(range(12))


async def test_a_replay_costs_one_listing_and_one_request_a_segment(shelf: Shelf) -> None:
    assert await shelf.replay(3) == list(range(12))
    assert shelf.requests["segments.names"] == 1
    assert shelf.requests["segments.get"] == 2


async def test_what_was_sealed_between_two_looks_is_read_without_a_listing(shelf: Shelf) -> None:
    await shelf.head()
    await shelf.fill(12, 15)
    head = await shelf.head()
    page = await shelf.log.cursor(STREAM).page(head, 12)
    assert [int(chunk.data) for chunk in page.chunks] == [12, 13, 14]
    assert (shelf.requests["segments.names"], shelf.requests["segments.get"]) == (0, 1)
    later = await shelf.log.cursor(STREAM).page(head, 14)
    assert [int(chunk.data) for chunk in later.chunks] == [14]


@pytest.mark.parametrize("small", [reading.SMALL, 10])
async def test_what_was_sealed_twice_between_two_looks_is_listed_as_is_what_is_large(
    shelf: Shelf, small: int
) -> None:
    await shelf.head()
    await shelf.fill(12, 20 if small == reading.SMALL else 15)
    head = await shelf.head()
    with patch.object(reading, "SMALL", small):
        page = await shelf.log.cursor(STREAM).page(head, 12)
    assert [int(chunk.data) for chunk in page.chunks][:3] == [12, 13, 14]
    assert shelf.requests["segments.names"] == 1


async def test_what_was_merged_since_it_was_seen_is_listed(shelf: Shelf) -> None:
    await shelf.head()
    await shelf.fill(12, 15)
    head = await shelf.head()
    await shelf.log.close(STREAM, Closed("completed"))
    assert len(await shelf.names()) == 1
    page = await shelf.log.cursor(STREAM).page(head, 12)
    assert [int(chunk.data) for chunk in page.chunks] == [12, 13, 14]


async def test_a_page_of_a_stream_that_is_gone_takes_nothing_of_the_one_that_has_its_name(
    shelf: Shelf,
) -> None:
    """Even where the next one's segment holds the same indexes, and was looked at last."""
    gone, cursor = await shelf.head(), shelf.log.cursor(STREAM)
    await shelf.log.delete(STREAM)
    await shelf.fill(100, 105)
    await shelf.head()
    await shelf.fill(105, 110)
    new = await shelf.head()
    with pytest.raises(StreamGone) as raised:
        await cursor.page(gone, 7)
    assert raised.value.head == new


async def test_a_page_ends_before_it_is_too_large_but_has_one_chunk_at_least() -> None:
    shelf = Shelf()
    await shelf.append(*(b'"%s"' % (b"x" * size) for size in (1000, 10, 10, 10, 1000, 10)))
    head, sizes = await shelf.head(), []
    for size in (1, 12 + CHUNK_OVERHEAD, 2 * (12 + CHUNK_OVERHEAD), 5000):
        page = await shelf.log.cursor(STREAM).page(head, 1, size=size)
        sizes.append(len(page.chunks))
    assert sizes == [1, 1, 2, 5]
    assert len((await shelf.log.cursor(STREAM).page(head, 0, size=1)).chunks) == 1


async def test_a_page_tells_of_the_end_only_when_it_reaches_it(shelf: Shelf) -> None:
    await shelf.log.close(STREAM, Closed("failed"))
    head = await shelf.head()
    ends = [(await shelf.log.cursor(STREAM).page(head, 0, most=most)).closed for most in (11, 12)]
    assert ends == [None, Closed("failed")]
    assert (await shelf.log.cursor(STREAM).page(head, 12)).closed == Closed("failed")


async def test_a_head_without_the_pointers_needed_is_read_again(shelf: Shelf) -> None:
    """A reader that was woken holds the newest pointer only, and may need older ones."""
    woken = replace(await shelf.head(), pending=(await shelf.head()).pending[-1:])
    page = await shelf.log.cursor(STREAM).page(woken, 10)
    assert [chunk.index for chunk in page.chunks] == [10, 11]


async def test_an_old_head_leads_to_the_chunks_wherever_they_are_now(shelf: Shelf) -> None:
    """They have been sealed and merged since."""
    old, cursor = await shelf.head(), shelf.log.cursor(STREAM)
    assert (await cursor.page(old, 0, most=2)).next_index == 2
    await shelf.fill(12, 14)
    await shelf.log.close(STREAM, Closed("completed"))
    pages = [await cursor.page(old, start, most=3) for start in (2, 5, 8, 11)]
    assert [chunk.index for page in pages for chunk in page.chunks][:10] == list(range(2, 12))


async def stale_page(shelf: Shelf) -> int:
    """Return where a page ends that an old head was asked for, after everything was merged."""
    old = await shelf.head()
    await shelf.fill(12, 14)
    await shelf.log.close(STREAM, Closed("completed"))
    (name,) = await shelf.names()
    assert name.last == 13
    page = await shelf.log.cursor(STREAM).page(old, 3)
    assert page.next_index <= page.tail
    return page.next_index


async def test_a_page_never_goes_beyond_the_tail_that_it_tells(shelf: Shelf) -> None:
    assert await stale_page(shelf) == 12


async def test_a_page_that_went_beyond_its_tail_would_be_noticed(shelf: Shelf) -> None:
    original = Cursor._sealed

    async def sealed(self: Cursor, head: Head, *rest: int) -> Any:
        return await original(self, replace(head, tail=head.tail + 9), *rest)

    with patch.object(Cursor, "_sealed", sealed), pytest.raises(AssertionError):
        await stale_page(shelf)


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_segment_that_is_lost_is_an_error_and_never_skipped(
    shelf: Shelf, lost: int
) -> None:
    await look_for_the_lost(shelf, lost)


async def look_for_the_lost(shelf: Shelf, lost: int) -> None:
    names = await shelf.names()
    await shelf.store.segments.delete(STREAM, [names[lost]])
    for start in (names[lost].first, names[lost].last):
        with pytest.raises(ObjectMissing):
            await shelf.log.read(STREAM, start)
    if lost:
        whole = await shelf.log.read(STREAM, 0)
        assert whole.next_index == names[lost].first


async def test_skipping_what_is_lost_would_be_noticed(shelf: Shelf) -> None:
    original = Cursor._page

    async def page(self: Cursor, head: Head, start: int, *rest: Any) -> Any:
        try:
            return await original(self, head, start, *rest)
        except ObjectMissing:
            return await original(self, head, head.sealed, *rest)

    with patch.object(Cursor, "_page", page), pytest.raises(pytest.fail.Exception):
        await look_for_the_lost(shelf, 0)


async def test_a_lost_batch_is_an_error_and_never_skipped(shelf: Shelf) -> None:
    first, _ = (await shelf.head()).pending
    await shelf.store.batches.delete(STREAM, [first.object])
    with pytest.raises(ObjectMissing):
        await shelf.log.read(STREAM, 10)
    assert [chunk.index for chunk in (await shelf.log.read(STREAM, 11)).chunks] == [11]


async def test_a_page_ends_before_what_was_sealed_away_and_the_next_one_goes_on(
    shelf: Shelf,
) -> None:
    """So there is progress, however often that happens while a page is put together."""
    old, cursor = await shelf.head(), shelf.log.cursor(STREAM)
    await shelf.fill(12, 15)
    page = await cursor.page(old, 8)
    assert [chunk.index for chunk in page.chunks] == [8, 9]
    rest = await cursor.page(old, page.next_index)
    assert [chunk.index for chunk in rest.chunks][:2] == [10, 11]


async def test_what_expired_before_it_was_sealed_is_not_written_but_known_to_be_gone() -> None:
    shelf = Shelf()
    await shelf.fill(0, 3)
    shelf.now += LIFE // 2
    await shelf.fill(3, 4)
    shelf.now += LIFE // 2
    await shelf.fill(4, 5)
    assert [(name.first, name.last) for name in await shelf.names()] == [(3, 4)]
    assert (await shelf.head()).sealed == 5
    for start in range(3):
        with pytest.raises(IndexExpired) as expired:
            await shelf.log.read(STREAM, start)
        assert expired.value.first_index == 3


async def test_a_stream_that_lives_on_forgets_its_oldest_chunks_in_order() -> None:
    shelf = Shelf()
    for number in range(30):
        await shelf.append(b"%d" % number)
        shelf.now += LIFE // 10
        first = max(number - 8, 0)
        page = await shelf.log.read(STREAM)
        assert [chunk.index for chunk in page.chunks] == list(range(first, number + 1))
        assert await shelf.log.first_index(STREAM, await shelf.head()) == first


async def test_a_long_poll_of_an_open_stream_without_chunks_waits() -> None:
    shelf = Shelf()
    await shelf.log.create(STREAM)
    looks = shelf.requests["heads.get"]
    page = await shelf.log.read(STREAM, seconds=0.3)
    assert (page.chunks, page.tail, page.closed) == ((), 0, None)
    assert shelf.requests["heads.get"] > looks + 1


async def test_a_cursor_brings_nothing_along_into_a_stream_begun_anew(shelf: Shelf) -> None:
    """It may hold a window of a segment in which the same indexes had other chunks."""
    cursor = shelf.log.cursor(STREAM)
    await cursor.page(await shelf.head(), 0, most=1)
    await shelf.log.delete(STREAM)
    for number in range(8):
        await shelf.append(b'"new %d"' % number)
    new = await shelf.head()
    assert new.sealed > 1, "the same index is sealed again"
    page = await cursor.page(new, 1)
    assert page.chunks[0].data == b'"new 1"'
