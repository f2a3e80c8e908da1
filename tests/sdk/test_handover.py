"""Handing over between threads and loops."""

import asyncio
import threading

import pytest

from runstreams.errors import PassedBy
from runstreams.sdk.bell import rung
from runstreams.sdk.handover import Handover, NothingYet, Tee


def test_things_come_out_in_order_and_then_the_end() -> None:
    handover = Handover[int]()
    handover.put(1)
    handover.put(2)
    handover.end()
    assert [handover.next(), handover.next()] == [1, 2]
    with pytest.raises(StopIteration):
        handover.next()


def test_the_first_end_counts_and_comes_after_what_was_put() -> None:
    handover = Handover[int]()
    handover.put(1)
    handover.end(ValueError("first"))
    handover.end(KeyError("second"))
    handover.put(2)
    assert handover.next() == 1
    with pytest.raises(ValueError, match="first"):
        handover.next()


def test_a_thread_that_waits_is_woken() -> None:
    handover = Handover[int]()
    with pytest.raises(NothingYet) as nothing:
        handover.next()
    threading.Thread(target=handover.put, args=[1]).start()
    nothing.value.waiter.result(10)
    assert handover.next() == 1


async def test_a_coroutine_that_waits_is_woken_by_a_thread() -> None:
    handover = Handover[int]()
    with pytest.raises(NothingYet) as nothing:
        handover.next()
    threading.Thread(target=handover.put, args=[1]).start()
    await asyncio.wait_for(rung(nothing.value.waiter), 10)
    assert handover.next() == 1


async def test_who_gives_up_waiting_takes_nothing_along() -> None:
    handover = Handover[int]()
    with pytest.raises(NothingYet) as nothing:
        handover.next()
    waiting = asyncio.create_task(rung(nothing.value.waiter))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    handover.put(1)
    assert handover.next() == 1


def test_who_gives_is_told_when_there_is_room() -> None:
    handover = Handover[str]()
    handover.put("a", 2)
    assert handover.full(2) is None
    handover.put("b", 1)
    full = handover.full(2)
    assert full is not None
    assert not full.done()
    handover.next()
    assert full.done()


def test_dropped_it_is_empty_and_at_its_end() -> None:
    handover = Handover[int]()
    handover.put(1)
    handover.drop()
    with pytest.raises(StopIteration):
        handover.next()


def test_a_tee_keeps_so_much_and_then_says_that_it_was_passed_by() -> None:
    tee = Tee[str](most=10)
    tee.put("a", 6)
    assert tee.next() == "a"
    tee.put("b", 6)
    tee.put("c", 6)
    with pytest.raises(PassedBy) as caught:
        tee.next()
    assert caught.value.facts == {"limit": 10}
