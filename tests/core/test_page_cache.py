"""Pages that several readers share."""

import asyncio
from typing import Any

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import Busy, NotJson
from runstreams.core.limits import EVENT_BYTES, EVENT_CHUNKS, Limits
from runstreams.core.model import Batch, Charter, Page, StreamId
from runstreams.core.page_cache import PageCache
from runstreams.core.reading import Cursor
from runstreams.stores.memory import MemoryStore
from runstreams.wiring import new_id, open_log

STREAM = StreamId("run", "key")


async def test_a_page_of_bytes_is_not_shared_with_readers_of_json() -> None:
    """They may wait for one stream, as where one of bytes takes the place of one of JSON."""
    log, pages = open_log(MemoryStore(new_id), Limits()), PageCache()
    head, _ = await log.found(STREAM, Charter("text/plain"), Entry(b"ta\n", 1, "text/plain"))

    async def page(cursor: Cursor) -> int:
        found = await pages.page(cursor, head, 0, exact=False, most=EVENT_CHUNKS, size=EVENT_BYTES)
        return len(found.chunks)

    lookup = log._lookup
    assert await page(lookup.cursor(STREAM, raw=True)) == 1
    with pytest.raises(NotJson):
        await page(lookup.cursor(STREAM))


async def test_readers_who_wait_for_a_page_that_cannot_be_read_are_all_told_at_once() -> None:
    """Were each of them to try in turn, a thousand would take a second and wake each other."""
    log, pages = open_log(MemoryStore(new_id), Limits()), PageCache()
    await log.append(STREAM, Batch(b"1\n", 1, log.clock()))
    head = await log.head(STREAM)
    assert head is not None
    cursor = Breaking(log._lookup, STREAM)
    asked = {"exact": False, "most": EVENT_CHUNKS, "size": EVENT_BYTES}
    reading = [asyncio.create_task(pages.page(cursor, head, 0, **asked)) for _ in range(10)]
    told = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(each) for each in told] == [Busy] * 10
    assert cursor.asked == 1
    cursor.breaks = False
    assert len((await pages.page(cursor, head, 0, **asked)).chunks) == 1


async def test_who_waits_for_a_page_reads_it_when_the_one_who_read_has_gone() -> None:
    log, pages = open_log(MemoryStore(new_id), Limits()), PageCache()
    await log.append(STREAM, Batch(b"1\n", 1, log.clock()))
    head = await log.head(STREAM)
    assert head is not None
    cursor = Breaking(log._lookup, STREAM, breaks=False)
    asked = {"exact": False, "most": EVENT_CHUNKS, "size": EVENT_BYTES}
    first, second = (asyncio.create_task(pages.page(cursor, head, 0, **asked)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert len((await second).chunks) == 1
    assert first.cancelled()


class Breaking(Cursor):
    """A cursor whose pages cannot be read, after a moment."""

    def __init__(self, *of: Any, breaks: bool = True) -> None:
        super().__init__(*of)
        self.breaks = breaks
        self.asked = 0

    async def page(self, *args: Any, **kwargs: Any) -> Page:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.breaks:
            raise Busy("for a moment")
        return await super().page(*args, **kwargs)
