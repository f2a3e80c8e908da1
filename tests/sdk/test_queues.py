"""Handing over between threads and loops."""

import asyncio
import gc
import threading
import weakref

import pytest

from runstreams.errors import PassedBy
from runstreams.sdk.engine.queues import ClosableQueue, NothingYet, Tee
from runstreams.sdk.engine.waiting import fired


def test_things_come_out_in_order_and_then_the_end() -> None:
    queue = ClosableQueue[int]()
    queue.put(1)
    queue.put(2)
    queue.end()
    assert [queue.next(), queue.next()] == [1, 2]
    with pytest.raises(StopIteration):
        queue.next()


def test_the_first_end_counts_and_comes_after_what_was_put() -> None:
    queue = ClosableQueue[int]()
    queue.put(1)
    queue.end(ValueError("first"))
    queue.end(KeyError("second"))
    queue.put(2)
    assert queue.next() == 1
    with pytest.raises(ValueError, match="first"):
        queue.next()


def test_a_thread_that_waits_is_woken() -> None:
    queue = ClosableQueue[int]()
    with pytest.raises(NothingYet) as nothing:
        queue.next()
    threading.Thread(target=queue.put, args=[1]).start()
    nothing.value.waiter.result(10)
    assert queue.next() == 1


async def test_a_coroutine_that_waits_is_woken_by_a_thread() -> None:
    queue = ClosableQueue[int]()
    with pytest.raises(NothingYet) as nothing:
        queue.next()
    threading.Thread(target=queue.put, args=[1]).start()
    await asyncio.wait_for(fired(nothing.value.waiter), 10)
    assert queue.next() == 1


async def test_who_gives_up_waiting_takes_nothing_along() -> None:
    queue = ClosableQueue[int]()
    with pytest.raises(NothingYet) as nothing:
        queue.next()
    waiting = asyncio.create_task(fired(nothing.value.waiter))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    queue.put(1)
    assert queue.next() == 1


async def test_those_who_gave_up_waiting_are_forgotten() -> None:
    """As who waits a second at a time, and does something else in between, for hours."""
    queue = ClosableQueue[int]()
    given_up: list[weakref.ref[object]] = []
    for _ in range(1000):
        with pytest.raises(NothingYet) as nothing:
            queue.next()
        await fired(nothing.value.waiter, 0)
        given_up.append(weakref.ref(nothing.value.waiter))
        del nothing
    await asyncio.sleep(0)
    gc.collect()
    assert sum(each() is not None for each in given_up) < 100


def test_who_gives_is_told_when_there_is_room() -> None:
    queue = ClosableQueue[str]()
    queue.put("a", 2)
    assert queue.full(2) is None
    queue.put("b", 1)
    full = queue.full(2)
    assert full is not None
    assert not full.done()
    queue.next()
    assert full.done()


def test_dropped_it_is_empty_and_at_its_end() -> None:
    queue = ClosableQueue[int]()
    queue.put(1)
    queue.drop()
    with pytest.raises(StopIteration):
        queue.next()


def test_it_may_be_dropped_in_the_middle_of_what_is_put() -> None:
    """The garbage collector runs anywhere, and may find there that the reader is gone."""

    class Dropped(ClosableQueue[int]):
        def _make_room(self) -> None:
            self.drop()

    queue = Dropped()
    putting = threading.Thread(target=queue.put, args=[1], daemon=True)
    putting.start()
    putting.join(5)
    assert not putting.is_alive()
    with pytest.raises(StopIteration):
        queue.next()


def test_a_tee_keeps_so_much_and_then_says_that_it_was_passed_by() -> None:
    tee = Tee[str](most=10)
    tee.put("a", 6)
    assert tee.next() == "a"
    tee.put("b", 6)
    tee.put("c", 6)
    with pytest.raises(PassedBy) as caught:
        tee.next()
    assert caught.value.facts == {"limit": 10}
