"""A table that was put back to how it once was, as the next epoch: its open streams can be read and
are not gone on with, so that no reader meets other chunks at indexes that it knows.
"""

import pytest

from runstreams.core.errors import ChunkGap, StreamClosed
from runstreams.core.limits import Limits
from runstreams.core.model import Closed, StreamId
from tests.stores.conftest import Kept

STREAM = StreamId("run", "key")
NEXT = Limits(epoch=1)


async def test_what_was_left_behind_can_be_read(kept: Kept) -> None:
    await kept.append(STREAM, b"0", b"1")
    page = await kept.another(NEXT).read(STREAM, 0)
    assert [chunk.data for chunk in page.chunks] == [b"0", b"1"]


async def test_what_was_left_behind_begins_anew(kept: Kept) -> None:
    """With the first append, in a generation of the epoch."""
    log = kept.another(NEXT)
    await kept.append(STREAM, b"0", b"1", client="c")
    before = await log.read(STREAM, 0)
    answer = await log.append(STREAM, kept.batch(b'"new"'))
    assert (answer.first, answer.tail, answer.duplicate) == (0, 1, False)
    after = await log.read(STREAM, 0)
    assert [chunk.data for chunk in after.chunks] == [b'"new"']
    assert after.generation.startswith("1.")
    assert after.generation != before.generation
    again = await log.append(STREAM, kept.batch(b"0", client="c"))
    assert (again.first, again.duplicate) == (1, False)


async def test_a_reader_who_waits_there_hears_that_the_stream_has_begun_anew(kept: Kept) -> None:
    log = kept.another(NEXT)
    await kept.append(STREAM, b"0")
    follower = await log.follow(STREAM, 1, silence=5)
    await log.append(STREAM, kept.batch(b'"new"'))
    event = await anext(aiter(follower.events()))
    assert [chunk.index for chunk in event.chunks] == [0]  # type: ignore[union-attr]


async def test_a_producer_in_the_middle_of_it_is_told(kept: Kept) -> None:
    await kept.append(STREAM, b"0", b"1", client="c")
    with pytest.raises(ChunkGap) as told:
        await kept.another(NEXT).append(STREAM, kept.batch(b"2", client="c", number=2))
    assert told.value.expected == 0


async def test_what_was_closed_before_stays_closed(kept: Kept) -> None:
    log = kept.another(NEXT)
    await kept.append(STREAM, b"0")
    await kept.log.close(STREAM, Closed("completed"))
    with pytest.raises(StreamClosed):
        await log.append(STREAM, kept.batch(b"1"))
    assert [chunk.data for chunk in (await log.read(STREAM, 0)).chunks] == [b"0"]


async def test_what_was_left_behind_can_be_closed_as_it_is(kept: Kept) -> None:
    log = kept.another(NEXT)
    await kept.append(STREAM, b"0")
    assert (await log.close(STREAM, Closed("failed"))).tail == 1
