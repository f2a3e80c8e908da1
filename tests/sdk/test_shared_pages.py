"""Readers behind a cache that gives pages to many, in virtual time."""

import asyncio

from runstreams.core.model import Closed
from runstreams.sdk.errors import Unreachable
from runstreams.sdk.records import Sharing
from tests.sdk.scripted import STREAM
from tests.sdk.test_read_session import World, story


async def generation(world: World) -> str:
    head = await world.transport.log.head(STREAM)
    assert head is not None
    return head.generation


def test_what_is_asked_for_is_the_same_for_all_readers() -> None:
    async def tell(world: World) -> None:
        world.transport.events, world.transport.shared = True, []
        await world.write(0, 1)
        known = await generation(world)
        reading = asyncio.create_task(world.rest(world.follow(timeout=None)))
        await asyncio.sleep(50)  # longer than two polls
        await world.write(2)
        await asyncio.sleep(1)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0, 1, 2]
        assert world.transport.followed == []
        asked = [(2, Sharing(known, cursor)) for cursor in (None, 101, 102)]
        assert world.transport.shared == [*asked, (3, Sharing(known, None))]

    story(tell)


def test_a_stream_that_is_not_there_yet_is_waited_for_with_others() -> None:
    async def tell(world: World) -> None:
        world.transport.shared = []
        reading = asyncio.create_task(world.rest(world.follow(timeout=None)))
        await asyncio.sleep(5)
        await world.write(0)
        await asyncio.sleep(1)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0]
        assert world.transport.shared[0] == (None, Sharing(None, None))

    story(tell)


def test_failures_lead_nobody_past_the_cache() -> None:
    async def tell(world: World) -> None:
        world.transport.events, world.transport.shared = True, []
        await world.write(0)
        reading = asyncio.create_task(world.rest(world.follow(timeout=None)))
        await asyncio.sleep(1)
        world.transport.fail("page", *[Unreachable("down")] * 3)
        await world.write(1)
        await asyncio.sleep(30)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0, 1]
        assert world.transport.followed == []

    story(tell)


def test_who_has_less_time_than_others_asks_alone() -> None:
    async def tell(world: World) -> None:
        world.transport.shared = []
        await world.write(0)
        assert await world.rest(world.follow(timeout=7)) == [0]
        assert world.transport.shared == []

    story(tell)
