"""Waiting for what is left to be sent, in virtual time."""

import asyncio
import gc
import tracemalloc
from concurrent.futures import Future
from typing import Any, cast

from runstreams.core.model import StreamId
from runstreams.sdk.engine.engine import Pending
from runstreams.sdk.engine.waiting import Told
from runstreams.sdk.writing.flushing import flush
from tests import virtual_time


class Unsent:
    """Chunks that nobody acknowledges."""

    stream = StreamId("run", "key")
    is_open = is_done = False
    is_sending = True
    unsent, acknowledged, trouble = 3, 0, None

    def __init__(self) -> None:
        self.sent: Future[Any] = Told()

    def ending(self) -> "Future[Any]":
        return self.sent

    def give_up_lost(self) -> None:
        pass


async def left_of(unsent: Unsent, seconds: float) -> list[Pending]:
    return await flush([cast(Pending, unsent)], seconds)


def test_what_makes_no_progress_is_given_up_after_its_time() -> None:
    async def tell() -> float:
        unsent = Unsent()
        assert await left_of(unsent, 60) == [unsent]
        return asyncio.get_running_loop().time()

    assert 60 <= virtual_time.run(tell()) < 61


def test_to_wait_for_a_source_for_ten_minutes_takes_no_more_memory_than_for_one() -> None:
    async def tell() -> None:
        unsent = Unsent()
        unsent.is_sending = False  # its source goes on
        flushing = asyncio.create_task(left_of(unsent, 60))
        await asyncio.sleep(60)
        tracemalloc.start()
        try:
            await asyncio.sleep(540)
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        unsent.sent.set_result(None)
        assert await flushing == []
        assert taken < 100_000

    virtual_time.run(tell())


def test_a_process_that_was_frozen_has_not_waited_meanwhile() -> None:
    async def tell() -> None:
        unsent = Unsent()
        flushing = asyncio.create_task(left_of(unsent, 60))
        await asyncio.sleep(1)
        # The clock goes on while nothing runs.
        asyncio.get_running_loop().skip(300)  # type: ignore[attr-defined]
        await asyncio.sleep(2)
        unsent.sent.set_result(None)
        assert await flushing == []

    virtual_time.run(tell())
