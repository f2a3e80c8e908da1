"""Sending one writer's chunks through everything that can happen to them, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from runstreams.core.errors import Busy, StreamClosed
from runstreams.core.model import Closed
from runstreams.errors import BufferFull, StopRequested, Unreachable, WriterClosed
from runstreams.sdk.engine.waiting import fired, outcome
from runstreams.sdk.explaining import Doing
from runstreams.sdk.records import Receipt
from runstreams.sdk.retrying import Retries
from runstreams.sdk.writing import sender as sender_module
from runstreams.sdk.writing.buffer import Batching
from runstreams.sdk.writing.sender import Meaning, Sender
from tests import virtual_time
from tests.sdk.scripted import LOST, STREAM, Bench, Scripted, lines

DOWN = Unreachable("down")


async def itself(error: Exception) -> Exception:
    return error


class World:
    """A sender at work."""

    def __init__(
        self,
        batching: Batching | None = None,
        retries: Retries | None = None,
        lease: int = 0,
        meaning: Meaning = itself,
    ) -> None:
        self.transport = Scripted()
        self.sender = Sender(STREAM, "c1", batching or Batching(), lease)
        self.receipts: list[Receipt] = []
        patience, receive = Bench(self.transport, retries).patience(Doing()), self.receipts.append
        sending = self.sender.run(lambda: self.transport, patience, receive, meaning)
        self.task = asyncio.create_task(sending)

    def put(self, *values: object) -> None:
        for line in lines(values):
            self.sender.put(line)

    async def end(self) -> list[object]:
        """End the sender, and return what the stream holds."""
        self.sender.end()
        await self.task
        return await self.transport.written()


def story(tell: Callable[[World], Awaitable[Any]], **world: Any) -> Any:
    """Tell a story in virtual time."""

    async def main() -> Any:
        return await tell(World(**world))

    return virtual_time.run(main())


def test_the_first_chunk_leaves_at_once_and_the_next_ones_together() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(0.001)
        world.put(1, 2)
        assert await world.end() == [0, 1, 2]
        assert world.transport.appends == [(0, b"0\n"), (1, b"1\n2\n")]
        assert world.transport.times == [0.0, 0.02]

    story(tell)


def test_batches_keep_their_pace_however_often_is_written() -> None:
    async def tell(world: World) -> None:
        for value in range(100):
            world.put(value)
            await asyncio.sleep(0.01)
        assert await world.end() == list(range(100))
        times = world.transport.times[:-1]
        first, *others = [round(after - before, 3) for before, after in pairwise(times)]
        assert (first, set(others)) == (0.02, {0.06})

    story(tell)


def test_a_lost_answer_sends_the_same_batch_again_and_nothing_is_doubled() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", LOST, LOST, DOWN, LOST)
        world.put(0, 1)
        assert await world.end() == [0, 1]
        assert world.transport.appends == [(0, b"0\n1\n")] * 5
        assert world.sender.last_index == 1

    story(tell)


def test_what_is_written_meanwhile_waits_for_its_turn() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", DOWN, LOST, DOWN)
        for value in range(50):
            world.put(value)
            await asyncio.sleep(0.05)
        assert await world.end() == list(range(50))

    story(tell)


def test_the_last_index_is_the_streams_and_not_the_writers() -> None:
    async def tell(world: World) -> None:
        await world.transport.append(STREAM, "another", 0, b"9\n9\n")
        world.put(0)
        await world.end()
        assert world.sender.last_index == 2

    story(tell)


def test_a_refusal_ends_it_at_once_and_for_all_who_wait() -> None:
    async def tell(world: World) -> None:
        await world.transport.log.close(STREAM, Closed("completed"))
        world.put(0)
        drained = world.sender.drained()
        with pytest.raises(StreamClosed):
            await world.task
        with pytest.raises(StreamClosed) as caught:
            drained.result(0)
        assert caught.value.status == "completed"
        with pytest.raises(StreamClosed):
            world.put(1)
        with pytest.raises(StreamClosed):
            world.sender.drained().result(0)
        assert len(world.transport.appends) == 1

    story(tell)


def test_patience_ends() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", *[DOWN] * 3)
        world.put(0)
        with pytest.raises(Unreachable):
            await world.task
        assert world.sender.unsent == 1

    story(tell, retries=Retries(attempts=3))


def test_progress_makes_patience_new() -> None:
    async def tell(world: World) -> None:
        for value in range(5):
            world.transport.fail("append", DOWN, DOWN, None)
            world.put(value)
            await outcome(world.sender.drained())
        assert await world.end() == list(range(5))

    story(tell, retries=Retries(attempts=3))


def test_a_busy_server_is_given_the_time_it_asks_for() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", Busy("busy", retry_after=7))
        world.put(0)
        await world.end()
        assert world.transport.times == [0.0, 7.02]

    story(tell)


def test_who_writes_too_much_is_told_to_wait_until_there_is_room() -> None:
    async def tell(world: World) -> None:
        for line in lines(range(4)):
            world.sender.put(line)
            assert world.sender.room() is None
        world.sender.put(b"4\n")
        full = world.sender.room()
        assert full is not None
        await fired(full)
        assert world.sender.unsent < 5
        assert await world.end() == list(range(5))

    story(tell, batching=Batching(unsent_chunks=5))


def test_who_never_waits_is_refused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "BUFFER_BYTES", 10)

    async def tell(world: World) -> None:
        world.put(*range(6))
        with pytest.raises(BufferFull):
            world.put(6)
        assert await world.end() == list(range(6))

    story(tell)


def test_drained_means_stored() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", LOST, DOWN)
        world.put(0, 1)
        await outcome(world.sender.drained())
        assert await world.transport.written() == [0, 1]
        await outcome(world.sender.drained())
        await world.end()

    story(tell)


def test_draining_does_not_linger() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await outcome(world.sender.drained())
        world.put(1)
        await outcome(world.sender.drained())
        assert world.transport.times == [0.0, 0.02]
        await world.end()

    story(tell)


def test_the_answer_for_somebody_who_has_given_up_waiting_hurts_nobody() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        given_up = world.sender.drained()
        given_up.cancel()
        waiting = asyncio.create_task(outcome(world.sender.drained()))
        await asyncio.sleep(0)
        waiting.cancel()
        world.put(1)
        assert await world.end() == [0, 1]

    story(tell)


def test_after_its_end_a_writer_takes_no_more() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        world.sender.end()
        with pytest.raises(WriterClosed):
            world.put(1)
        await world.end()

    story(tell)


def test_nobody_is_told_of_a_failure_before_it_is_known_what_it_means() -> None:
    async def tell(world: World) -> None:
        await world.transport.close(STREAM, "canceled", None)
        world.put(0)
        await asyncio.sleep(ASKING_SECONDS)
        world.put(1)  # while it is asked
        with pytest.raises(StopRequested):
            await world.task
        with pytest.raises(StopRequested):
            world.put(2)

    story(tell, meaning=asked_to_stop)


ASKING_SECONDS = 10


async def asked_to_stop(error: Exception) -> Exception:
    await asyncio.sleep(2 * ASKING_SECONDS)
    return StopRequested("that is what it means")


def test_cancelled_it_tells_everybody_who_waits() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", *[DOWN] * 9)
        world.put(0)
        drained = world.sender.drained()
        await asyncio.sleep(1)
        world.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await world.task
        with pytest.raises(WriterClosed):
            drained.result(0)

    story(tell)


def test_a_writer_that_writes_nothing_asks_for_nothing() -> None:
    async def tell(world: World) -> None:
        assert await world.end() == []
        assert world.transport.appends == []

    story(tell)
