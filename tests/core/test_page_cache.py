"""Pages that several readers share."""

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import NotJson
from runstreams.core.limits import EVENT_BYTES, EVENT_CHUNKS, Limits
from runstreams.core.model import Charter, StreamId
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
