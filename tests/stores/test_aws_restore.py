"""A table that is restored to an earlier moment, beside a bucket that has gone on: as
docs/operations.md tells to do it.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from runstreams import AsyncClient
from runstreams.core.errors import IndexBeyondTail
from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, StreamId
from runstreams.errors import Unreachable
from runstreams.sdk.records import ChunkPage
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.wiring import new_id, now
from tests.emulators.place import Place
from tests.emulators.resources import create_resources

BEFORE, AFTER, LATER = 20, 40, 50
"""Chunks at the moment that is restored, when the damage is done, and in the stream begun anew. In
between batches were sealed, so that their objects are gone.
"""

STREAM = StreamId("run", "key")


class Deployment:
    """The log of a deployment."""

    def __init__(self, place: Place, epoch: int = 0) -> None:
        self.place = place
        self.log = Log(
            place.store(),
            limits=Limits(epoch=epoch),
            clock=now,
            new_id=new_id,
            background=False,
        )

    async def write(self, word: str, first: int, end: int) -> None:
        """Append chunks that say where they stand, one at a time."""
        for number in range(first, end):
            line = b'"%s %d"\n' % (word.encode(), number)
            await self.log.append(STREAM, Batch(line, 1, now()))

    async def read(self) -> list[Any]:
        """Return all chunks, page by page."""
        found: list[Any] = []
        while len(found) < (page := await self.log.read(STREAM, len(found))).tail:
            found += [chunk.data for chunk in page.chunks]
        return found


class Redeployed(DirectTransport):
    """A way to a deployment that gives way to another: the connection breaks with every page."""

    def give_way(self, to: Deployment) -> None:
        self._log = to.log

    async def follow(
        self, stream: StreamId, start: int, silence: float
    ) -> AsyncGenerator[ChunkPage | None, None]:
        async with aclosing(super().follow(stream, start, silence)) as pages:
            async for page in pages:
                yield page
                raise Unreachable("the deployment has given way")


def everything(place: Place) -> list[Any]:
    """Return the items of a table."""
    _, dynamodb = place.clients()
    return list(dynamodb.scan(TableName=place.table)["Items"])


def restored(place: Place, items: list[Any]) -> Place:
    """Return a place with a new table of *items*, and the bucket as it is."""
    table = uuid4().hex
    s3, dynamodb = place.clients()
    create_resources(s3, dynamodb, uuid4().hex, table)
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    return replace(place, table=table)


@pytest.fixture
async def damaged(aws_place: Place) -> AsyncIterator[tuple[Deployment, Place]]:
    """A deployment, and the place with its table as it was."""
    deployment = Deployment(aws_place)
    await deployment.write("old", 0, BEFORE)
    items = everything(aws_place)
    await deployment.write("old", BEFORE, AFTER)
    yield deployment, restored(aws_place, items)
    await deployment.log.aclose()


async def test_what_was_there_at_that_moment_can_be_read(
    damaged: tuple[Deployment, Place],
) -> None:
    """Also what was sealed since: the batches are gone, and segments have their chunks."""
    _, place = damaged
    anew = Deployment(place, epoch=1)
    assert await anew.read() == [b'"old %d"' % number for number in range(BEFORE)]
    with pytest.raises(IndexBeyondTail):
        await anew.log.read(STREAM, BEFORE + 1)


async def test_it_can_be_closed_as_it_was_and_read_all_the_same(
    damaged: tuple[Deployment, Place],
) -> None:
    _, place = damaged
    anew = Deployment(place, epoch=1)
    assert (await anew.log.close(STREAM, Closed("failed"))).tail == BEFORE
    assert len(await anew.read()) == BEFORE


@pytest.mark.parametrize("read", [5, BEFORE, AFTER])
async def test_a_reader_who_reads_on_never_meets_other_chunks_at_indexes_that_it_knows(
    damaged: tuple[Deployment, Place], read: int
) -> None:
    """It begins anew with the stream, whatever it has read before."""
    before, place = damaged
    anew = Deployment(place, epoch=1)
    transport = Redeployed(before.log)
    seen: list[Any] = []
    async with AsyncClient(transport=lambda: transport) as client:
        async for chunk in client.streams.read(*STREAM, chunks=True):
            seen.append(chunk)
            if len(seen) == read:
                transport.give_way(anew)
                await anew.write("new", 0, LATER)
                await anew.log.close(STREAM, Closed("completed"))
    fresh = [chunk for chunk in seen if str(chunk.data).startswith("new")]
    assert [chunk.data for chunk in fresh] == [f"new {number}" for number in range(LATER)]
    assert [chunk.index for chunk in fresh] == list(range(LATER))
    # It may begin anew with what was restored as well, which is what it was.
    assert len({(chunk.id, chunk.data) for chunk in seen}) == len({chunk.id for chunk in seen})


async def test_without_another_epoch_the_same_indexes_say_something_else(
    damaged: tuple[Deployment, Place],
) -> None:
    """What the epoch is for: here nobody could tell."""
    before, place = damaged
    anew = Deployment(place)
    await anew.write("new", BEFORE, AFTER)
    pages = [await each.log.read(STREAM, AFTER - 1) for each in (before, anew)]
    assert [page.chunks[0].data for page in pages] == [b'"old 39"', b'"new 39"']
    assert len({page.generation for page in pages}) == 1
