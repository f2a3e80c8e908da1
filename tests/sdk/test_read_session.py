"""Following a stream through everything that connections do, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from runstreams.core.errors import Unauthorized
from runstreams.core.model import Closed
from runstreams.errors import (
    IndexBeyondTail,
    IndexExpired,
    RunstreamsError,
    StreamCanceled,
    StreamFailed,
    Unexpected,
    Unreachable,
)
from runstreams.sdk.engine.queues import NothingYet
from runstreams.sdk.engine.waiting import fired
from runstreams.sdk.leases import Silence
from runstreams.sdk.reading.session import ReadSession
from runstreams.sdk.records import ChunkPage, SignOfLife
from runstreams.sdk.retrying import Retries
from runstreams.sdk.transports.direct import DirectTransport
from tests import virtual_time
from tests.sdk.scripted import STREAM, Bench, Scripted, lines

DOWN = Unreachable("down")


class World:
    """A stream, those who write it, and a reader."""

    def __init__(self, retries: Retries | None = None) -> None:
        self.transport = Scripted()
        self.bench = Bench(self.transport, retries)
        self._number = 0
        self.session: ReadSession | None = None

    async def write(self, *values: int) -> None:
        await self.transport.append(STREAM, "c1", self._number, b"".join(lines(values)))
        self._number += len(values)

    async def page(self) -> ChunkPage:
        """Return what is there."""
        return await DirectTransport(self.transport.log).page(STREAM, None, 0, 100)

    def follow(self, start: Any = 0, timeout: Silence = 10, strict: bool = True) -> ReadSession:
        self.session = ReadSession(self.bench, STREAM, start, timeout, strict)  # type: ignore[arg-type]
        self.session.start()
        return self.session

    async def rest(self, session: ReadSession) -> list[object]:
        """Read until the end."""
        return [value async for value in values(session)]


async def values(session: ReadSession) -> Any:
    while True:
        try:
            for chunk in session.take():
                yield chunk.data
        except NothingYet as nothing:
            await fired(nothing.waiter)
        except StopIteration:
            return


async def as_far_as_it_goes(session: ReadSession) -> list[object]:
    """Read until the end; return what kind of error that was as well."""
    found: list[object] = []
    try:
        async for value in values(session):
            found.append(value)
    except RunstreamsError as error:
        found.append(type(error))
    return found


def story(tell: Callable[[World], Awaitable[Any]], **world: Any) -> Any:
    """Tell a story in virtual time; nothing may be left of the reader at its end."""

    async def main() -> None:
        here = World(**world)
        await asyncio.wait_for(tell(here), 100_000)  # type: ignore[arg-type]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual_time.run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture(params=[False, True], ids=["polling", "events"])
def events(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_history_and_what_comes_are_one(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        session = world.follow()
        reading = asyncio.create_task(world.rest(session))
        for value in range(2, 10):
            await asyncio.sleep(3)
            await world.write(value)
        await world.transport.log.close(STREAM, Closed("completed"))
        ended = now()
        assert await reading == list(range(10))
        assert now() - ended < 1
        assert session.state == "closed"

    story(tell)


def test_silence_ends_it_quietly(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        assert await world.rest(world.follow(timeout=7.5)) == [0]
        assert 7.5 < now() < 8

    story(tell)


def test_silence_is_counted_anew_with_each_chunk(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        reading = asyncio.create_task(world.rest(world.follow(timeout=5)))
        for value in range(4):
            await asyncio.sleep(4)
            await world.write(value)
        assert await reading == [0, 1, 2, 3]
        assert 21 < now() < 22

    story(tell)


def test_without_a_timeout_silence_may_last(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        reading = asyncio.create_task(world.rest(world.follow(timeout=None)))
        await asyncio.sleep(5000)
        await world.write(0)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0]

    story(tell)


def test_a_server_that_cannot_be_reached_is_not_silent() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("page", *[DOWN] * 20)
        reading = asyncio.create_task(world.rest(world.follow(timeout=3)))
        await asyncio.sleep(1)
        await world.write(0)
        assert await reading == [0]
        assert now() > 60

    story(tell)


def test_a_process_that_was_frozen_reads_on_before_it_believes_in_silence(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        reading = asyncio.create_task(world.rest(world.follow(timeout=5)))
        await asyncio.sleep(1)
        # The clock goes on while nothing runs; meanwhile somebody else writes.
        asyncio.get_running_loop().skip(60)  # type: ignore[attr-defined]
        await world.transport._log.append(STREAM, _batch(0))
        assert await reading == [0]

    story(tell)


def _batch(value: int) -> Any:
    from runstreams.core.model import Batch

    return Batch(b"%d\n" % value, 1, virtual_time.clock(), "other", 0)


def test_lost_connections_resume_by_index() -> None:
    async def tell(world: World) -> None:
        await world.write(*range(5))
        world.transport.fail("page", DOWN, None, DOWN, DOWN, None, DOWN)
        reading = asyncio.create_task(world.rest(world.follow()))
        await asyncio.sleep(2)
        await world.write(5)
        assert await reading == list(range(6))
        assert set(world.transport.asked) == {None, 5, 6}

    story(tell)


def test_a_broken_event_stream_goes_on_where_it_was() -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        world.transport.fail("events", None, DOWN, None, DOWN)
        reading = asyncio.create_task(world.rest(world.follow()))
        for value in range(6):
            await asyncio.sleep(1)
            await world.write(value)
        assert await reading == list(range(6))
        assert world.transport.followed[:3] == [0, 1, 2]

    story(tell)


def test_where_event_streams_never_bring_anything_it_polls() -> None:
    async def tell(world: World) -> None:
        world.transport.events = False
        reading = asyncio.create_task(world.rest(world.follow()))
        await asyncio.sleep(1)
        await world.write(0)
        assert await reading == [0]
        assert world.transport.followed == [0]

    story(tell)


def test_where_polling_fails_events_are_tried_again() -> None:
    async def tell(world: World) -> None:
        reading = asyncio.create_task(world.rest(world.follow()))
        await asyncio.sleep(1)
        world.transport.events = True
        world.transport.fail("page", DOWN, DOWN)
        await world.write(0)
        assert await reading == [0]
        assert len(world.transport.followed) > 1

    story(tell)


def test_a_refusal_ends_it_at_once() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("page", Unauthorized("no"))
        session = world.follow()
        with pytest.raises(Unauthorized):
            await world.rest(session)
        assert session.state == "failed"
        assert len(world.transport.asked) == 1

    story(tell)


def test_patience_ends() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("page", *[DOWN] * 3)
        with pytest.raises(Unreachable):
            await world.rest(world.follow())

    story(tell, retries=Retries(attempts=3))


@pytest.mark.parametrize(
    ("status", "kind"), [("failed", StreamFailed), ("canceled", StreamCanceled)]
)
def test_an_early_end_is_an_error_after_the_last_chunk(
    status: Any, kind: type[RunstreamsError]
) -> None:
    async def tell(world: World) -> None:
        await world.write(0, 1)
        await world.transport.log.close(STREAM, Closed(status, "why"))
        reading = values(world.follow())
        assert [await anext(reading), await anext(reading)] == [0, 1]
        with pytest.raises(kind) as caught:
            await anext(reading)
        assert caught.value.facts == {"error": "why", "next_index": 2}
        assert await world.rest(world.follow(strict=False)) == [0, 1]

    story(tell)


@pytest.mark.parametrize(
    ("start", "found"), [(2, [2, 3]), (0, [0, 1, 2, 3]), (-1, [3]), (-9, [0, 1, 2, 3])]
)
def test_it_begins_where_it_is_told(start: int, found: list[int]) -> None:
    async def tell(world: World) -> None:
        await world.write(*range(4))
        assert await world.rest(world.follow(start=start, timeout=0)) == found

    story(tell)


def test_from_the_tail_means_only_what_comes() -> None:
    async def tell(world: World) -> None:
        await world.write(0, 1)
        reading = asyncio.create_task(world.rest(world.follow(start="tail")))
        await asyncio.sleep(1)
        await world.write(2)
        assert await reading == [2]

    story(tell)


def test_an_index_that_is_not_there_yet_is_waited_for(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0)
        reading = asyncio.create_task(world.rest(world.follow(start=3)))
        for value in range(1, 6):
            await asyncio.sleep(1)
            await world.write(value)
        assert await reading == [3, 4, 5]

    story(tell)


def test_a_stream_begun_anew_is_read_from_its_beginning(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        reading = asyncio.create_task(world.rest(world.follow()))
        await asyncio.sleep(1)
        await world.transport.delete(STREAM)
        world._number = 0
        await world.write(7)
        await asyncio.sleep(1)
        await world.write(8)
        assert await reading == [0, 1, 7, 8]

    story(tell)


def test_a_stream_begun_anew_that_ends_where_the_reader_was_is_not_taken_for_the_one_before(
    events: bool,
) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        if events:
            world.transport.fail("events", DOWN)
        else:
            world.transport.fail("page", None, DOWN)
        session = world.follow()
        reading = asyncio.create_task(world.rest(session))
        while session.state != "retrying":
            await asyncio.sleep(0.01)
        await world.transport.delete(STREAM)
        world._number = 0
        await world.write(7, 8)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0, 1, 7, 8]
        assert session.state == "closed"

    story(tell, retries=Retries(first=1))


def test_an_end_that_was_kept_of_a_stream_before_is_asked_past_with_pauses() -> None:
    async def tell(world: World) -> None:
        await world.write(0, 1)
        world.transport.fail("page", None, DOWN)
        session = world.follow()
        reading = asyncio.create_task(world.rest(session))
        while session.state != "retrying":
            await asyncio.sleep(0.01)
        world.transport.kept_first = await world.page()
        end = Closed("completed")
        world.transport.kept_page = ChunkPage([], 2, 2, end, generation="before")
        await asyncio.sleep(30)
        assert len(world.transport.asked) < 60
        world.transport.kept_page = None
        await world.write(2)
        await world.transport.log.close(STREAM, end)
        assert await reading == [0, 1, 2]

    story(tell)


def test_what_has_expired_is_never_left_out_silently() -> None:
    async def tell(world: World) -> None:
        await world.write(0)
        world.transport.fail("page", IndexExpired("gone", first_index=9))
        with pytest.raises(IndexExpired):
            await world.rest(world.follow(start=1))

    story(tell)


def test_a_slow_reader_holds_the_server_back() -> None:
    async def tell(world: World) -> None:
        await world.write(*range(1000))
        for first in range(1000, 40_000, 1000):
            await world.write(*range(first, first + 1000))
        session = world.follow()
        await asyncio.sleep(10)
        assert len(world.transport.asked) == 1
        assert await world.rest(session) == list(range(40_000))

    story(tell)


def test_stopped_it_lets_go() -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        await world.write(0)
        session = world.follow()
        await asyncio.sleep(1)
        session.stop()
        await asyncio.sleep(1)
        assert session.over.done()
        assert await world.rest(session) == []

    story(tell)


def test_stopped_before_it_has_begun_it_lets_go() -> None:
    async def tell(world: World) -> None:
        session = world.follow()
        session.stop()
        await asyncio.sleep(1)
        assert session.over.done()

    story(tell)


CUT = Unreachable("the event stream broke off")
KEPT_EVENTS = {
    "the end at once": [],
    "a sign of life and the end": [SignOfLife()],
    "a sign of life and a cut": [SignOfLife(), CUT],
    "an old batch": "old",
    "a later batch": "later",
}


async def kept(world: World, what: Any) -> Any:
    """Write 0 to 3, and return *what* is kept; some of it is a batch."""
    await world.write(0, 1)
    early = await world.transport.page(STREAM, None, 0, 10)
    await world.write(2, 3)
    chunks = (await world.transport.page(STREAM, None, 0, 10)).chunks
    world.transport.asked.clear()
    later = ChunkPage([chunks[0].__class__(9, 9, chunks[0].id[:-1] + "9", 0)], 10, 10)
    return {"old": [early], "later": [later]}.get(what, what) if isinstance(what, str) else what


@pytest.mark.parametrize("what", KEPT_EVENTS.values(), ids=KEPT_EVENTS)
@pytest.mark.parametrize("timeout", [5, 100])
def test_event_streams_that_bring_nothing_give_way_to_polls(what: Any, timeout: float) -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        world.transport.kept_events = await kept(world, what)
        assert await world.rest(world.follow(timeout=timeout)) == [0, 1, 2, 3]
        assert len(world.transport.followed) == 2
        assert len(world.transport.asked) < 12

    story(tell)


@pytest.mark.parametrize("what", KEPT_EVENTS.values(), ids=KEPT_EVENTS)
def test_what_comes_is_read_though_event_streams_bring_nothing(what: Any) -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        world.transport.kept_events = await kept(world, what)
        reading = asyncio.create_task(world.rest(world.follow(timeout=None)))
        await asyncio.sleep(1000)
        await world.write(4)
        await world.transport.log.close(STREAM, Closed("completed"))
        assert await reading == [0, 1, 2, 3, 4]
        assert len(world.transport.followed) + len(world.transport.asked) < 70

    story(tell)


def test_event_streams_that_are_cut_between_chunks_are_kept_to() -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        world.transport.fail("events", *[None, DOWN] * 6)
        reading = asyncio.create_task(world.rest(world.follow(timeout=20)))
        for value in range(6):
            await asyncio.sleep(1)
            await world.write(value)
        assert await reading == list(range(6))
        assert len(world.transport.followed) > 6

    story(tell)


def test_a_server_that_does_not_wait_is_not_asked_all_the_time() -> None:
    async def tell(world: World) -> None:
        world.transport.kept_page = ChunkPage([], 0, 0)
        assert await world.rest(world.follow(timeout=100)) == []
        assert len(world.transport.asked) < 110
        assert now() < 102

    story(tell)


def test_a_page_that_is_old_ends_with_silence(events: bool) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1)
        world.transport.kept_page = await world.transport.page(STREAM, None, 0, 10)
        world.transport.kept_events = []
        assert await world.rest(world.follow(timeout=5)) == [0, 1]
        assert len(world.transport.asked) < 12

    story(tell)


@pytest.mark.parametrize(
    "what",
    [
        IndexBeyondTail("beyond", tail=3),
        IndexExpired("begun anew", first_index=0),
        ChunkPage([], 3, 9),
    ],
    ids=["beyond", "begun anew", "nothing of more"],
)
def test_a_server_that_makes_no_sense_is_given_up(what: Any) -> None:
    async def tell(world: World) -> None:
        world.transport.kept_page = what
        with pytest.raises(Unexpected):
            await world.rest(world.follow(start=3))
        assert len(world.transport.asked) <= 11

    story(tell, retries=Retries(attempts=10))


@pytest.mark.parametrize("length", [2, 6], ids=["shorter", "longer"])
def test_a_beginning_that_is_kept_from_an_earlier_stream_is_read_once(
    length: int, events: bool
) -> None:
    async def tell(world: World) -> None:
        world.transport.events = events
        await world.write(0, 1, 2, 3)
        world.transport.kept_first = await world.transport.page(STREAM, None, 0, 10)
        await world.transport.delete(STREAM)
        await world.transport.append(STREAM, "c2", 0, b"".join(lines(range(10, 10 + length))))
        found = await as_far_as_it_goes(world.follow(timeout=None))
        assert found == [0, 1, 2, 3, Unexpected]
        assert len(world.transport.asked) <= 25

    story(tell, retries=Retries(attempts=10))


def test_a_stream_that_lost_chunks_under_its_reader_is_an_error() -> None:
    async def tell(world: World) -> None:
        world.transport.events = True
        world.transport.kept_events = await kept(world, "later")
        world.transport.fail("page", None, None, IndexExpired("gone", first_index=9))
        with pytest.raises(IndexExpired):
            await world.rest(world.follow())

    story(tell)
