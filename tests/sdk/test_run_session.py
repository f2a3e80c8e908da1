"""Following all streams of a run through everything that connections do, in virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import pytest

from runstreams.core.errors import ObjectMissing, Unauthorized
from runstreams.core.leasing import Claim
from runstreams.core.limits import FOLLOWED_STREAMS
from runstreams.core.model import Closed, StreamId
from runstreams.errors import IndexExpired, RunstreamsError, StreamFailed, Unreachable
from runstreams.sdk.engine.queues import NothingYet
from runstreams.sdk.engine.waiting import fired
from runstreams.sdk.leases import UNLEASED, Silence
from runstreams.sdk.reading.run_session import RunSession
from runstreams.sdk.retrying import Retries
from tests import virtual_time
from tests.sdk.scripted import Bench, Scripted, lines

RUN = "run_1"
DOWN = Unreachable("down")
A, B = StreamId(RUN, "a"), StreamId(RUN, "b")


class World:
    """A run, those who write to it, and a reader."""

    def __init__(self, events: bool, retries: Retries | None = None) -> None:
        self.transport = Scripted()
        self.transport.events = events
        self.bench = Bench(self.transport, retries)
        self._numbers: dict[StreamId, int] = {}

    async def write(self, stream: StreamId, *values: int) -> None:
        number = self._numbers.get(stream, 0)
        self._numbers[stream] = number + len(values)
        await self.transport.append(stream, "c1", number, b"".join(lines(values)))

    async def delete(self, stream: StreamId) -> None:
        del self._numbers[stream]
        await self.transport.delete(stream)

    def follow(
        self,
        start: Mapping[str, int | None] | None = None,
        timeout: Silence = 10,
        strict: bool = True,
    ) -> RunSession:
        session = RunSession(self.bench, RUN, start or {}, timeout, strict)  # type: ignore[arg-type]
        session.start()
        return session

    async def read(self, session: RunSession) -> list[tuple[str, int, object]]:
        """Read until the end."""
        found: list[tuple[str, int, object]] = []
        while True:
            try:
                found += [(each.key, each.index, each.data) for each in session.take()]
            except NothingYet as nothing:
                await fired(nothing.waiter)
            except StopIteration:
                return found


def story(
    tell: Callable[[World], Awaitable[None]], events: bool, retries: Retries | None = None
) -> None:
    async def main() -> None:
        await tell(World(events, retries))
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    virtual_time.run(main())


both = pytest.mark.parametrize("events", [False, True], ids=["polls", "events"])


@both
def test_all_streams_are_read_until_the_run_is_completed(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0, 1)
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(3)
        await world.write(B, 7)
        await world.write(A, 2)
        await asyncio.sleep(3)
        await world.transport.complete(RUN, "completed", None)
        assert sorted(await reading) == [("a", 0, 0), ("a", 1, 1), ("a", 2, 2), ("b", 0, 7)]
        assert (session.state, session.is_over) == ("closed", True)
        assert session.closed == {"a": Closed("completed"), "b": Closed("completed")}

    story(tell, events)


@both
def test_a_run_that_was_written_and_is_deleted_is_not_waited_for_as_if_it_never_was(
    events: bool,
) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0, 1)
        session = world.follow(timeout=UNLEASED)
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(5)
        await world.transport.delete_run(RUN)
        async with asyncio.timeout(3600):
            assert len(await reading) == 2
        assert session.state == "silent"

    story(tell, events)


@both
def test_silence_of_all_of_them_ends_it_and_says_so(events: bool) -> None:
    async def tell(world: World) -> None:
        session = world.follow(timeout=10)
        reading = asyncio.create_task(world.read(session))
        for _ in range(3):
            await asyncio.sleep(8)
            await world.write(A, 1)
        assert len(await reading) == 3
        assert session.state == "silent"
        assert asyncio.get_running_loop().time() == pytest.approx(34, abs=1.5)

    story(tell, events)


@both
def test_a_producer_that_is_known_to_live_is_waited_for_between_two_streams_too(
    events: bool,
) -> None:
    async def tell(world: World) -> None:
        reading = asyncio.create_task(world.read(world.follow(timeout=UNLEASED)))
        await asyncio.sleep(600)  # nothing was ever written
        await world.transport.register(RUN, None, None, Claim("c1", 3_600_000))
        await world.write(A, 1)
        await world.transport.log.hold(A, "c1", 3_600_000)
        await asyncio.sleep(600)  # a stream is leased
        await world.transport.close(A, "completed", None)
        await asyncio.sleep(600)  # the run is
        await world.write(B, 2)
        await world.transport.complete(RUN, "completed", None)
        assert await reading == [("a", 0, 1), ("b", 0, 2)]

    story(tell, events)


@both
def test_streams_that_wait_for_the_end_of_others_are_spoken_of(
    events: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(world: World) -> None:
        keys = [StreamId(RUN, f"k{n:03}") for n in range(FOLLOWED_STREAMS + 1)]
        for stream in keys:
            await world.write(stream, 1)
        found = await world.read(world.follow(timeout=20))
        assert len(found) == FOLLOWED_STREAMS
        for stream in keys:
            await world.transport.close(stream, "completed", None)
        assert len(await world.read(world.follow(timeout=20))) == FOLLOWED_STREAMS + 1

    story(tell, events)
    assert [one.message for one in caplog.records if "are open" in one.message] == [
        f"{RUN}: {FOLLOWED_STREAMS} of its streams are open, and no more are read at a time: "
        "the others wait until one of them is closed"
    ]


@both
def test_silence_of_a_run_that_nobody_leases_ends_it_with_a_warning(
    events: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 1)
        await world.transport.close(A, "completed", None)
        session = world.follow(timeout=UNLEASED)
        assert await world.read(session) == [("a", 0, 1)]
        assert session.state == "silent"
        assert 60 <= asyncio.get_running_loop().time() < 90

    story(tell, events)
    assert "start=reader.positions goes on" in caplog.text


@both
def test_silence_is_waited_out_as_long_as_a_stream_is_leased_or_nothing_was_written(
    events: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(world: World) -> None:
        session = world.follow(timeout=UNLEASED)
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(3600)
        await world.write(A, 0)
        for _ in range(60):
            await world.transport.log.hold(A, "c1", 60_000)
            await asyncio.sleep(20)
        assert session.state == "live"
        await world.transport.log.release(A, "c1")
        assert await reading == [("a", 0, 0)]
        assert session.state == "silent"

    with caplog.at_level(logging.WARNING, "runstreams"):
        story(tell, events)
    assert [record.message for record in caplog.records] == [
        "run_1: nothing came for 60 s, and no producer has promised to: the read ends, and "
        "start=reader.positions goes on with it; timeout=None waits for ever"
    ]


@both
def test_without_any_time_what_is_there_is_read(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, *range(3))
        await world.write(B, *range(3))
        session = world.follow({"a": 2, "b": None}, timeout=0)
        assert await world.read(session) == [("a", 2, 2)]

    story(tell, events)


@both
def test_a_connection_that_breaks_is_made_again_from_all_places(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0)
        world.transport.fail("events" if events else "page", None, None, DOWN, None, DOWN)
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        for number in range(1, 5):
            await asyncio.sleep(1)
            await world.write(A, number)
            await world.write(B, number)
        await world.transport.complete(RUN, "completed", None)
        found = await reading
        assert [each[1] for each in found if each[0] == "a"] == list(range(5))
        assert [each[1] for each in found if each[0] == "b"] == list(range(4))

    story(tell, events)


def test_events_that_fail_again_and_again_make_way_for_polls() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("events", *[DOWN] * 9)
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(2)
        await world.write(A, 0)
        await world.transport.complete(RUN, "completed", None)
        assert await reading == [("a", 0, 0)]
        assert world.transport.asked_of_run

    story(tell, events=True)


@both
def test_a_stream_that_is_begun_anew_is_read_from_its_beginning(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0, 1, 2)
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(1)
        await world.delete(A)
        await world.write(A, 70, 71)
        await asyncio.sleep(1)
        await world.transport.complete(RUN, "completed", None)
        assert (await reading)[3:] == [("a", 0, 70), ("a", 1, 71)]

    story(tell, events)


@both
def test_one_that_was_begun_anew_between_two_connections_is_read_from_its_beginning(
    events: bool,
) -> None:
    async def tell(world: World) -> None:
        await world.write(A, *range(3))
        session = world.follow({"a": 3})
        session._cursors["a"]._position.generation = "another"
        session._cursors["a"]._position.index = session._cursors["a"]._ask = 4
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(1)
        await world.transport.complete(RUN, "completed", None)
        assert [each[1] for each in await reading] == [0, 1, 2]

    story(tell, events)


@both
@pytest.mark.parametrize("anew", [(70, 71), (70, 71, 72)])
def test_one_that_was_begun_anew_and_ends_where_the_reader_was_is_not_taken_for_the_one_before(
    events: bool, anew: tuple[int, ...]
) -> None:
    """Or behind it: then chunks come as well, and the end that they tell of is not the reader's."""

    async def tell(world: World) -> None:
        await world.write(A, 0, 1)
        world.transport.fail("events" if events else "page", None, DOWN)
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        while session.state != "retrying":
            await asyncio.sleep(0.01)
        await world.delete(A)
        await world.write(A, *anew)
        await world.transport.complete(RUN, "completed", None)
        assert [each[2] for each in await reading] == [0, 1, *anew]

    story(tell, events, Retries(first=1))


@both
def test_what_has_expired_is_an_error_with_what_is_left(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0)
        await asyncio.sleep(20 * 86_400)
        await world.write(A, 1, 2)
        await asyncio.sleep(20 * 86_400)
        await world.write(A, 3)
        session = world.follow({"a": 0})
        assert [each[1] for each in await world.read(session)] == [1, 2, 3]
        session = world.follow({"a": 1}, timeout=0)
        assert [each[1] for each in await world.read(session)] == [1, 2, 3]
        await asyncio.sleep(20 * 86_400)
        session = world.follow({"a": 1})
        with pytest.raises(IndexExpired, match="run_1/a") as expired:
            await world.read(session)
        assert expired.value.first_index == 3

    story(tell, events)


@both
def test_a_stream_that_failed_is_raised_when_all_is_read(events: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(A, 0)
        await world.transport.close(A, "failed", "boom")
        session = world.follow()
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(2)
        await world.write(B, 1)
        await world.transport.complete(RUN, "completed", None)
        with pytest.raises(StreamFailed, match="run_1/a failed: boom"):
            await reading
        assert len(await world.read(world.follow(strict=False))) == 2

    story(tell, events)


@pytest.mark.parametrize(
    "error", [Unauthorized("no", http_status=403), ObjectMissing("gone", http_status=500)]
)
@both
def test_what_does_not_pass_is_raised(events: bool, error: RunstreamsError) -> None:
    async def tell(world: World) -> None:
        world.transport.fail("page", *[error] * 9)
        world.transport.fail("events", *[error] * 9)
        with pytest.raises(type(error)):
            await world.read(world.follow())

    story(tell, events, Retries(attempts=3))


def test_who_had_chunks_last_is_served_last() -> None:
    async def tell(world: World) -> None:
        for stream in (A, B):
            await world.write(stream, 0)
        session = world.follow({"b": 1, "a": 0})
        reading = asyncio.create_task(world.read(session))
        await asyncio.sleep(1)
        await world.write(B, 1)
        await asyncio.sleep(1)
        session.stop()
        reading.cancel()
        await asyncio.wait([reading])
        assert list(world.transport.asked_of_run[-1]) == ["a", "b"]

    story(tell, events=False)
