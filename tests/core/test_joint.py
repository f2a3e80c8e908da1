"""Several streams of a run followed as one: fair turns, and memory that does not grow with them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import count

import pytest

from runstreams.core.following import End
from runstreams.core.joint import Alive, Joint
from runstreams.core.leasing import Claim
from runstreams.core.limits import EVENT_BYTES, FOLLOWED_STREAMS, PING_SECONDS, Limits
from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, Page, StreamId
from runstreams.core.turns import Turns
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.virtual_time import clock

LARGE = b'"' + b"x" * EVENT_BYTES + b'"'


class World:
    """A log in memory whose streams are all of one run."""

    def __init__(self) -> None:
        ids = count()
        new_id = lambda: f"{next(ids):016x}" * 2  # noqa: E731
        self.store = MemoryStore(new_id)
        self.log = Log(self.store, limits=Limits(), clock=clock, new_id=new_id, background=False)

    async def write(self, key: str, *chunks: bytes) -> None:
        lines = b"".join(chunk + b"\n" for chunk in chunks)
        await self.log.append(StreamId("run", key), Batch(lines, len(chunks), clock()))

    async def seal(self, key: str) -> None:
        await self.log._seals.everything(StreamId("run", key))

    def follow(self, *keys: str, everything: bool = False) -> Joint:
        wanted = dict.fromkeys(keys, 0)
        return self.log.follow_run("run", wanted, everything=everything, silence=20)


def story(tell: Callable[[World], Awaitable[None]]) -> None:
    """Tell a story in virtual time; nobody is left behind at its end."""

    async def main() -> None:
        world = World()
        await tell(world)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not world.log._watches._watches

    virtual_time.run(main())


def test_a_slow_reader_has_a_few_pages_in_memory_however_many_streams_there_are() -> None:
    async def tell(world: World) -> None:
        keys = [f"k{n}" for n in range(50)]
        for key in keys:
            await world.write(key, LARGE)
        fetched: list[object] = []
        get = world.store.batches.get
        world.store.batches.get = lambda *where: (fetched.append(where), get(*where))[1]  # type: ignore[method-assign]
        async with aclosing(world.follow(*keys).items()) as items:
            await anext(items)
            await asyncio.sleep(5)
            assert len(fetched) <= 3

    story(tell)


def test_one_stretch_of_a_segment_is_in_memory_at_a_time() -> None:
    async def tell(world: World) -> None:
        for key in "abc":
            for _ in range(8):
                await world.write(key, LARGE)
            await world.seal(key)
        joint = world.follow("a", "b", "c")
        async with aclosing(joint.items()) as items:
            for _ in range(3 * 8):
                assert isinstance((await anext(items)).what, Page)
                cursors = [follower._cursor for follower in joint._followers.values()]
                assert sum(cursor._window is not None for cursor in cursors) <= 1

    story(tell)


def test_a_replay_leaves_what_is_live_its_turns() -> None:
    async def tell(world: World) -> None:
        for _ in range(40):
            await world.write("old", LARGE)
        await world.seal("old")
        seen: list[str] = []
        async with aclosing(world.follow("old", "live").items()) as items:
            async for key, what in items:
                if isinstance(what, Page):
                    seen.append(key)
                if len(seen) == 10:
                    await world.write("live", b"1")
                if len(seen) == 41:
                    break
        assert 10 <= seen.index("live") <= 14

    story(tell)


def test_a_reader_that_goes_gives_its_turn_to_others() -> None:
    async def tell(world: World) -> None:
        for key in "ab":
            for _ in range(8):
                await world.write(key, LARGE)
            await world.seal(key)
        turns, silence = Turns(), 5
        first, second = [
            await world.log.follow(StreamId("run", key), silence=silence, turns=turns)
            for key in "ab"
        ]
        async with aclosing(first.events()) as events:
            await anext(events)
        async with aclosing(second.events()) as events:
            assert isinstance(await anext(events), Page)

    story(tell)


def test_a_stream_beyond_those_that_are_read_at_a_time_waits_for_the_end_of_another() -> None:
    async def tell(world: World) -> None:
        for n in range(FOLLOWED_STREAMS + 1):
            await world.write(f"k{n:03}", b"1")
        last, seen = f"k{FOLLOWED_STREAMS:03}", set()
        async with aclosing(world.follow(everything=True).items()) as items:
            async for key, _ in items:
                seen.add(key)
                if len(seen) == FOLLOWED_STREAMS and last not in seen:
                    await world.log.close(StreamId("run", "k007"), Closed("completed"))
                if last in seen:
                    break
        assert len(seen) == FOLLOWED_STREAMS + 1

    story(tell)


def test_silence_ends_it_and_what_is_still_behind_does_not() -> None:
    async def tell(world: World) -> None:
        for _ in range(4):
            await world.write("a", LARGE)
        joint, seen = world.follow("a", "b"), 0
        async with aclosing(joint.items()) as items:
            async for _, what in items:
                seen += isinstance(what, Page)
                await asyncio.sleep(30)
        assert (joint.end, seen) == (End.SILENT, 4)

    story(tell)


def test_a_run_of_which_no_stream_is_open_gives_signs_of_life_itself() -> None:
    async def tell(world: World) -> None:
        await world.log.runs.register("run", None, None, Claim("c1", 60_000))
        joint = world.follow(everything=True)
        async with aclosing(joint.items()) as items:
            assert await anext(items) == Alive(leased_until=clock() + 50_000)
        assert asyncio.get_running_loop().time() == PING_SECONDS

    story(tell)


def test_whatever_goes_wrong_with_all_of_them_is_raised_and_taken_for_no_end() -> None:
    async def tell(world: World) -> None:
        async def late(*asked: object, **more: object) -> None:
            raise TimeoutError("the store took too long")

        world.store.heads.streams = late  # type: ignore[method-assign, assignment]
        joint = world.follow(everything=True)
        with pytest.raises(TimeoutError):
            async for _ in joint.items():
                pass
        assert joint.end is None

    story(tell)
