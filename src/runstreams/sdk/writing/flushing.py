"""Sending what is left when a run, a client or the program ends; and saying what could not be."""

import asyncio
import atexit
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ..engine.engine import ENGINES, Engine, Pending
from ..engine.waiting import settled

EXIT_SECONDS = 60.0
"""How long the end of the program waits for what is not sent yet."""

LOOK_SECONDS = 0.5
"""How often it is looked whether a source's event loop has ended, which nobody tells."""

logger = logging.getLogger("runstreams")


async def flush(producers: Iterable[Pending], seconds: float) -> list[Pending]:
    """Wait until *producers* are done, at most *seconds*; return those that are not.

    A writer that nobody has ended will not be done: what it was given is sent.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    left = []
    for producer in producers:
        ending = producer.ending()
        await _settled(producer, ending, deadline)
        if producer.is_open or not ending.done():
            left.append(producer)
    return left


async def _settled(producer: Pending, ending: "Future[Any]", deadline: float) -> None:
    time = asyncio.get_running_loop().time
    while True:
        producer.give_up_lost()
        left = max(0.0, deadline - time())
        await settled(ending, min(left, LOOK_SECONDS))
        if ending.done() or not left:
            return


def report(producer: Pending) -> str:
    """Return what is to be said of a producer that was not done in time."""
    name = f"{producer.stream.run}/{producer.stream.key}"
    if producer.unsent:
        return f"{name}: {producer.unsent} chunks were not sent"
    return f"{name}: the writer was never ended" if producer.is_open else f"{name}: was cut off"


def flush_engine(engine: Engine, seconds: float) -> None:
    """Send what is left in *engine*, at most *seconds* long, and log what could not be sent."""
    producers = engine.pending
    if not producers:
        return
    for producer in engine.call(flush(producers, seconds)):
        logger.error("given up before the stream has ended: %s", report(producer))
        producer.cancel()


def _flush_at_exit() -> None:
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        # Whoever interrupts does not want to wait for sources to end.
        for engine in list(ENGINES):
            for producer in engine.pending:
                producer.cancel(KeyboardInterrupt())
    deadline = time.monotonic() + EXIT_SECONDS
    for engine in list(ENGINES):
        flush_engine(engine, max(0.0, deadline - time.monotonic()))


def _close_at_exit() -> None:
    # Once more: threads of the user's may have gone on writing until now.
    _flush_at_exit()
    for engine in list(ENGINES):
        engine.close()


def _at_exit(flush: Callable[[], None]) -> None:
    # Before the pools of threads are shut down that an event loop needs to look up names; `atexit`
    # is after it. https://github.com/python/cpython/blob/3.13/Lib/threading.py: `_register_atexit`.
    register = getattr(threading, "_register_atexit", None)
    if register is None:
        atexit.register(flush)
        return
    import concurrent.futures.thread  # noqa: F401  # registered before us, it runs after us

    register(flush)


atexit.register(_close_at_exit)
_at_exit(_flush_at_exit)
