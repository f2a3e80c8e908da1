"""What comes through a worker's socket, whatever it is, is no more than a hint to look."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runstreams.serve.nudging import Nudges

PATIENCE_SECONDS = 20


@contextmanager
def hearing(worker: int, heard: asyncio.Event) -> Iterator[Nudges]:
    """Yield the nudges of three workers, of which *worker* hears."""
    nudges = Nudges(3)
    nudges.listen(worker, heard.set)
    try:
        yield nudges
    finally:
        asyncio.get_running_loop().remove_reader(nudges._pairs[worker][0].fileno())
        for pair in nudges._pairs:
            for end in pair:
                end.close()


async def is_heard(heard: asyncio.Event) -> None:
    await asyncio.wait_for(heard.wait(), PATIENCE_SECONDS)
    heard.clear()


@pytest.mark.parametrize("garbage", [b"", b"\0", b"?" * 10_000])
async def test_garbage_is_a_nudge_like_any_other(garbage: bytes) -> None:
    with hearing(0, heard := asyncio.Event()) as nudges:
        nudges._pairs[0][1].send(garbage)
        await is_heard(heard)
        nudges.tell_others(1)
        await is_heard(heard)


async def test_one_that_hears_nothing_holds_up_nobody() -> None:
    with hearing(2, heard := asyncio.Event()) as nudges:
        for _ in range(10_000):
            nudges.tell_others(0)  # what worker 1 is told nobody takes
        await is_heard(heard)
