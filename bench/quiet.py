"""Keeping the load generator itself out of what it measures."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from .servers import own_core


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off this process's garbage collection."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def awake() -> Iterator[None]:
    """Keep the load's core busy where it has one of its own.

    A core that fell asleep takes up to 0.2 ms to wake, and that would be measured with each reader.
    """
    loop, busy = asyncio.get_running_loop(), own_core()

    def turn() -> None:
        if busy:
            loop.call_soon(turn)

    turn()
    try:
        yield
    finally:
        busy = False
