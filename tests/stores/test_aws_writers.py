"""Many writers in several processes on one stream, sealing as they go."""

import pytest

from runstreams.core.model import Closed, StoredChunk
from tests.emulators.place import Place
from tests.emulators.writers import STREAM, check, opened, write_in_processes


async def test_writers_in_several_processes_lose_and_double_nothing(aws_place: Place) -> None:
    await write_in_processes(aws_place, processes=3, writers=4, batches=8)
    await read_and_check(aws_place, writers=12, batches=8)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_32_writers_of_50_batches_lose_and_double_nothing(aws_place: Place) -> None:
    await write_in_processes(aws_place, processes=4, writers=8, batches=50)
    await read_and_check(aws_place, writers=32, batches=50)


async def read_and_check(place: Place, writers: int, batches: int) -> None:
    """Check the stream as it is, and again when it is closed and everything is sealed."""
    async with opened(place.store()) as log:
        for _ in range(2):
            head = await log.head(STREAM)
            assert head is not None
            cursor, chunks = log.cursor(STREAM), list[StoredChunk]()
            while len(chunks) < head.tail:
                chunks += (await cursor.page(head, len(chunks))).chunks
            check(chunks, writers, batches)
            await log.close(STREAM, Closed("completed"))
        head = await log.head(STREAM)
        assert head is not None
        assert head.unsealed == 0
