"""A live reader: what comes out of it, when, and why it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import count
from math import inf
from typing import Any

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import ObjectMissing
from runstreams.core.following import End, Follower, Tick
from runstreams.core.limits import EVENT_BYTES, Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, Charter, Closed, Page, StreamId
from runstreams.core.position import generation_of
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.virtual_time import clock

STREAM = StreamId("run", "key")
LIFE = 60
LARGE = b'"' + b"x" * (EVENT_BYTES // 2) + b'"'


class World:
    """A log in memory, and who reads it."""

    def __init__(self) -> None:
        ids = count()
        new_id = lambda: f"{next(ids):016x}" * 2  # noqa: E731
        self.store = MemoryStore(new_id)
        limits = Limits(retention_ms=LIFE * 1000)
        self.log = Log(self.store, limits=limits, clock=clock, new_id=new_id, background=False)
        self.seen: list[tuple[float, object]] = []
        """When each event came, and its chunks; "tick" for a sign of life."""

    async def write(self, *chunks: bytes, to: StreamId = STREAM) -> None:
        lines = b"".join(chunk + b"\n" for chunk in chunks)
        await self.log.append(to, Batch(lines, len(chunks), clock()))

    async def follow(
        self, start: Any = 0, *, of: StreamId = STREAM, silence: float = 20, **more: Any
    ) -> Follower:
        """Follow until there is an end."""
        follower = await self.log.follow(of, start, silence=silence, **more)
        async with aclosing(follower.events()) as events:
            async for event in events:
                self.take(event)
        return follower

    def take(self, event: Page | Tick) -> None:
        chunks = (
            [bytes(chunk.data) for chunk in event.chunks] if isinstance(event, Page) else "tick"
        )
        self.seen.append((now(), chunks))

    @property
    def chunks(self) -> list[bytes]:
        return [chunk for _, event in self.seen if isinstance(event, list) for chunk in event]


def now() -> float:
    return round(asyncio.get_running_loop().time(), 3)


def story(tell: Callable[[World], Awaitable[None]]) -> None:
    """Tell a story in virtual time; nobody waits for the stream at its end."""

    async def main() -> None:
        world = World()
        await tell(world)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not world.log._watches._watches

    virtual_time.run(main())


def test_there_is_first_what_is_there_and_then_what_comes() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0", b"1")
        reading = asyncio.create_task(world.follow())
        await asyncio.sleep(3)
        await world.write(b"2")
        assert (await reading).end is End.SILENT
        assert world.seen[:2] == [(0, [b"0", b"1"]), (3, [b"2"])]

    story(tell)


@pytest.mark.parametrize(("start", "chunks"), [(1, [b"1", b"2"]), ("tail", [b"2"]), (9, [b"2"])])
def test_it_begins_where_it_is_told_and_at_the_tail_at_the_latest(
    start: Any, chunks: list[bytes]
) -> None:
    async def tell(world: World) -> None:
        await world.write(b"0", b"1")
        reading = asyncio.create_task(world.follow(start))
        await asyncio.sleep(1)
        await world.write(b"2")
        await reading
        assert world.chunks == chunks

    story(tell)


def test_a_stream_that_is_not_there_yet_is_waited_for() -> None:
    async def tell(world: World) -> None:
        reading = asyncio.create_task(world.follow(7))
        await asyncio.sleep(5)
        await world.write(b"0")
        await reading
        assert world.seen[0] == (5, [b"0"])

    story(tell)


def test_silence_is_counted_from_the_last_chunk_and_shows_signs_of_life() -> None:
    async def tell(world: World) -> None:
        reading = asyncio.create_task(world.follow(silence=25))
        await asyncio.sleep(14)
        await world.write(b"0")
        assert (await reading).end is End.SILENT
        assert world.seen == [(10, "tick"), (14, [b"0"]), (24, "tick"), (34, "tick")]
        assert now() == 14 + 25

    story(tell)


def test_a_sign_of_life_tells_of_the_stream_as_it_is_known() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        follower = await world.log.follow(STREAM, 1, silence=20)
        async with aclosing(follower.events()) as events:
            assert await anext(events) == Tick(await world.log.head(STREAM))

    story(tell)


def test_a_closed_stream_ends_at_once_after_its_last_chunk() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        reading = asyncio.create_task(world.follow())
        await asyncio.sleep(2)
        await world.log.close(STREAM, Closed("failed"))
        assert (await reading).end is End.CLOSED
        assert now() == 2
        assert (await world.follow()).end is End.CLOSED
        assert (now(), world.chunks) == (2, [b"0", b"0"])

    story(tell)


def test_a_host_without_time_ends_it_with_the_rest_unread() -> None:
    async def tell(world: World) -> None:
        for _ in range(4):
            await world.write(LARGE)
        assert (await world.follow(seconds=0)).end is End.OUT_OF_TIME
        assert world.chunks == [LARGE]
        assert (await world.follow("tail", seconds=12)).end is End.OUT_OF_TIME
        assert now() == 12

    story(tell)


def test_the_end_of_a_stream_outranks_the_end_of_the_hosts_time() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        await world.log.close(STREAM, Closed("completed"))
        assert (await world.follow(seconds=0)).end is End.CLOSED

    story(tell)


def test_a_stream_begun_anew_goes_on_from_its_beginning() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0", b"1")
        reading = asyncio.create_task(world.follow())
        await asyncio.sleep(1)
        await world.log.delete(STREAM)
        await asyncio.sleep(1)
        await world.write(b'"a"', b'"b"', b'"c"')
        await reading
        assert world.chunks == [b"0", b"1", b'"a"', b'"b"', b'"c"']

    story(tell)


@pytest.mark.parametrize("later", [0, 3])
def test_a_stream_deleted_under_a_slow_reader_goes_on_from_its_new_beginning(later: int) -> None:
    async def tell(world: World) -> None:
        for _ in range(4):
            await world.write(LARGE)
        follower = await world.log.follow(STREAM, silence=20)
        async with aclosing(follower.events()) as events:
            world.take(await anext(events))
            await world.log.delete(STREAM)
            going_on = asyncio.ensure_future(anext(events))
            await asyncio.sleep(later)
            await world.write(b'"a"')
            world.take(await going_on)
        assert world.chunks == [LARGE, b'"a"']

    story(tell)


def test_a_chunk_that_is_lost_is_an_error_and_no_end() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        world.store.batches.objects.clear()
        follower = await world.log.follow(STREAM, silence=20)
        with pytest.raises(ObjectMissing):
            await anext(follower.events())
        assert follower.end is None

    story(tell)


def test_what_has_expired_is_passed_over() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        await asyncio.sleep(LIFE - 1)
        await world.write(b"1")
        await asyncio.sleep(2)
        await world.follow()
        assert world.chunks == [b"1"]

    story(tell)


@pytest.mark.parametrize("behind", [False, True])
def test_a_reader_of_one_stream_only_ends_when_another_has_its_name(behind: bool) -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        only = generation_of(await world.log.head(STREAM))
        follower = await world.log.follow(STREAM, silence=inf, generation=only)
        async with aclosing(follower.events()) as events:
            world.take(await anext(events))
            if behind:
                await world.write(b"1")
            coming = None if behind else asyncio.create_task(anext(events, None))
            await asyncio.sleep(1)
            await world.log.delete(STREAM)
            await world.write(b"2", b"3")
            assert await (coming or anext(events, None)) is None
        assert follower.end is End.BEGUN_ANEW
        assert world.chunks == [b"0"]

    story(tell)


def test_a_reader_of_a_stream_whose_name_another_has_reads_nothing() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        follower = await world.follow(generation="0" * 32)
        assert follower.end is End.BEGUN_ANEW
        assert (world.seen, now()) == ([], 0)

    story(tell)


def test_the_time_that_a_slow_reader_takes_is_no_silence() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        follower = await world.log.follow(STREAM, silence=20)
        async with aclosing(follower.events()) as events:
            world.take(await anext(events))
            await asyncio.sleep(30)
            await world.write(b"1")
            world.take(await anext(events))
        assert world.seen == [(0, [b"0"]), (30, [b"1"])]

    story(tell)


def test_readers_woken_together_share_one_reading() -> None:
    async def tell(world: World) -> None:
        await world.write(b"0")
        readers = [asyncio.create_task(world.follow(1)) for _ in range(100)]
        await asyncio.sleep(1)
        fetched: list[object] = []
        get = world.store.batches.get
        world.store.batches.get = lambda *where: (fetched.append(where), get(*where))[1]  # type: ignore[method-assign]
        await world.write(b"1")
        await asyncio.gather(*readers)
        assert world.chunks == [b"1"] * 100
        assert len(fetched) == 1

    story(tell)


def test_a_reader_that_goes_leaves_nothing_behind() -> None:
    async def tell(world: World) -> None:
        reading = asyncio.create_task(world.follow())
        await asyncio.sleep(1)
        reading.cancel()
        await asyncio.wait([reading])

    story(tell)


@pytest.mark.parametrize("entry", [False, True], ids=["append", "entry"])
@pytest.mark.parametrize("readers", [1, 128])
def test_readers_that_are_no_crowd_have_a_chunk_before_its_writer_is_answered(
    readers: int, entry: bool
) -> None:
    async def tell(world: World) -> None:
        assert await _seen_by_the_answer(world, readers, entry) == [b"0"] * readers

    story(tell)


@pytest.mark.parametrize("entry", [False, True], ids=["append", "entry"])
def test_the_writer_does_not_wait_for_a_crowd_of_readers(entry: bool) -> None:
    async def tell(world: World) -> None:
        assert await _seen_by_the_answer(world, 129, entry) == []

    story(tell)


def test_no_writer_waits_for_a_crowd_that_others_have_woken() -> None:
    async def tell(world: World) -> None:
        streams = [StreamId("run", f"{number}") for number in range(4)]
        reading = [world.follow(of=stream, silence=2) for stream in streams for _ in range(40)]
        following = asyncio.gather(*reading)
        await asyncio.sleep(1)
        seen = []

        async def write(stream: StreamId) -> None:
            await world.write(b"0", to=stream)
            seen.append(len(world.chunks))

        await asyncio.gather(*map(write, streams))
        assert seen == [0, 40, 80, 120]
        await following
        assert world.chunks == [b"0"] * 160

    story(tell)


def test_a_writer_that_is_given_up_while_readers_go_first_leaves_its_stream_sealed() -> None:
    async def tell(world: World) -> None:
        await world.log.found(STREAM, Charter(content_type="application/json"))
        follower = await world.log.follow(STREAM, silence=20)

        async def give_up() -> None:
            async with aclosing(follower.events()) as events:
                world.take(await anext(events))
                writing.cancel()

        reading = asyncio.create_task(give_up())
        await asyncio.sleep(1)
        closing = Entry(b"0\n1\n", 2, closes=True)
        writing = asyncio.create_task(world.log.write(STREAM, closing))
        await asyncio.wait([reading, writing])
        assert writing.cancelled()
        head = await world.log.head(STREAM)
        assert head is not None
        assert head.sealed == 2

    story(tell)


async def _seen_by_the_answer(world: World, readers: int, entry: bool) -> list[bytes]:
    """Have so many readers wait, append a chunk, and return what they have had by then."""
    await world.log.found(STREAM, Charter(content_type="application/json"))
    reading = [asyncio.create_task(world.follow(silence=2)) for _ in range(readers)]
    await asyncio.sleep(1)
    if entry:
        await world.log.write(STREAM, Entry(b"0\n", 1))
    else:
        await world.write(b"0")
    seen = world.chunks
    await asyncio.gather(*reading)
    assert world.chunks == [b"0"] * readers
    return seen
