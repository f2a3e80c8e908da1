"""Readers tell silence from the end, in virtual time."""

import asyncio
import logging
from typing import Any

import pytest

from runstreams.core.model import Closed
from runstreams.errors import StreamFailed
from runstreams.sdk.leases import UNLEASED
from tests.sdk.scripted import STREAM
from tests.sdk.test_read_session import World, events, now, story

__all__ = ["events"]

MINUTES = 60


async def promise(world: World, seconds: int) -> None:
    await world.transport.log.hold(STREAM, "c1", seconds * 1000)


def test_silence_is_waited_out_as_long_as_the_producer_is_leased(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        session = world.follow(timeout=UNLEASED)
        reading = asyncio.create_task(world.rest(session))
        for _ in range(60):
            await promise(world, 60)
            await asyncio.sleep(20)
        assert session.state == "live"
        await world.write(1)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0, 1]
        assert session.state == "closed"

    story(tell)


def test_the_silence_of_a_stream_that_nobody_leases_is_said_and_ends_it(
    events: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        session = world.follow(timeout=UNLEASED)
        assert await world.rest(session) == [0, 1]
        assert 60 < now() < 72
        assert (session.state, session.cursor.next_index) == ("silent", 2)

    with caplog.at_level(logging.WARNING, "runstreams"):
        story(tell)
    (record,) = caplog.records
    assert record.message == (
        "run_1/words: nothing came for 60 s, and no producer has promised to: the read ends, and "
        "start_index=2 goes on with it; timeout=None waits for ever"
    )


@pytest.mark.parametrize("opened", [False, True])
def test_what_was_never_written_is_waited_for(events: bool, opened: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        if opened:
            await world.transport.log.create(STREAM)
        reading = asyncio.create_task(world.rest(world.follow(timeout=UNLEASED)))
        await asyncio.sleep(60 * MINUTES)
        await world.write(0)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0]

    story(tell)


@pytest.mark.parametrize("start", [0, "tail"])
def test_what_was_written_and_is_deleted_is_not_waited_for_as_if_it_never_was(
    events: bool, start: Any
) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        session = world.follow(start, timeout=UNLEASED)
        reading = asyncio.create_task(world.rest(session))
        await asyncio.sleep(5)
        await world.transport.delete(STREAM)
        async with asyncio.timeout(60 * MINUTES):
            assert await reading == ([0, 1] if start == 0 else [])
        assert session.state == "silent"

    story(tell)


def test_a_lease_that_was_let_go_of_lets_silence_count(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        await promise(world, 3600)
        reading = asyncio.create_task(world.rest(world.follow(timeout=UNLEASED)))
        await asyncio.sleep(10 * MINUTES)
        await world.transport.log.release(STREAM, "c1")
        assert await reading == [0]
        assert 11 * MINUTES <= now() + 20 < 12 * MINUTES

    story(tell)


def test_a_lost_producer_ends_it_in_an_error(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        await promise(world, 60)
        session = world.follow(timeout=UNLEASED)
        with pytest.raises(StreamFailed, match="nothing was heard of its producer for 60 seconds"):
            await world.rest(session)
        assert session.cursor.closed is not None
        assert session.cursor.closed.code == "producer_lost"

    story(tell)


@pytest.mark.parametrize("written", [False, True])
def test_a_time_that_is_named_rules(
    events: bool, written: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        if written:
            await world.write(0)
            await promise(world, 3600)
        session = world.follow(timeout=60)
        assert await world.rest(session) == ([0] if written else [])
        assert 60 < now() < 72
        assert session.state == "silent"

    story(tell)
    assert caplog.records == []


def test_never_is_never(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        session = world.follow(timeout=None)
        reading: Any = asyncio.create_task(world.rest(session))
        await asyncio.sleep(60 * MINUTES)
        assert not reading.done()
        session.stop()
        await reading

    story(tell)
