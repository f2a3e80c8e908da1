"""Sending what is left when a run, a client or the program ends; and saying what could not be.

A source may take as long as it takes. What is limited is sending that makes no progress.
"""

import asyncio
import atexit
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import wait
from contextlib import suppress

from ..closing import INTERRUPTIONS, status_after
from ..engine.engine import ENGINES, Engine, Pending
from ..engine.known import all_of
from ..engine.waiting import LOOK_SECONDS, settled

SILENT_SECONDS = 3.0
"""How long the end of a client or of the program waits before it says what for."""

SAID = "waiting for %s; Ctrl-C closes the sources, a second one ends at once"

logger = logging.getLogger("runstreams")


async def flush(
    producers: Iterable[Pending], seconds: float, level: int = logging.WARNING
) -> list[Pending]:
    """Wait until *producers* are done; return those that are not, since nothing of what they have
    to send was acknowledged for *seconds*. What it waits for is logged at *level*.

    A writer that nobody has ended will not be done: what it was given is sent.
    """
    waiting = list(producers)
    saying = asyncio.create_task(_say(waiting, level))
    try:
        done = await asyncio.gather(*(_is_done(producer, seconds) for producer in waiting))
    finally:
        saying.cancel()
    return [producer for producer, is_done in zip(waiting, done, strict=True) if not is_done]


async def _is_done(producer: Pending, seconds: float) -> bool:
    """Wait for *producer*; say whether it ended before sending had made no progress for
    *seconds*.
    """
    ending, look = producer.ending(), min(LOOK_SECONDS, seconds)
    waited, acknowledged = 0.0, producer.acknowledged
    while True:
        producer.give_up_lost()
        if ending.done():
            return not producer.is_open
        if not producer.is_sending or producer.acknowledged != acknowledged:
            waited, acknowledged = 0.0, producer.acknowledged
        elif waited >= seconds:
            return False
        await settled(ending, look)
        waited += look  # not by the clock: a process that was frozen has not waited


def report(producer: Pending, seconds: float) -> str:
    """Return what is to be said of a producer that was not done when nothing was acknowledged for
    *seconds*: what is not sent, why, and what to do.
    """
    if not producer.is_sending:
        return (
            f"{_name(producer)}: the writer was never ended: "
            "write inside of a `with` block, or call its close()"
        )
    why = f": {producer.trouble}" if producer.trouble else ""
    return (
        f"{_name(producer)}: {_unsent(producer)}, since nothing was acknowledged for "
        f"{seconds:g} s{why}. Write it again when the server answers; "
        "Timeouts(flush=...) waits longer"
    )


def _unsent(producer: Pending) -> str:
    return f"{producer.unsent} chunks were not sent" if producer.unsent else "it was not closed"


def _name(producer: Pending) -> str:
    return f"{producer.stream.run}/{producer.stream.key}"


def flush_engines(engines: list[Engine], error: BaseException | None = None) -> None:
    """Send what is left in *engines*, and log what could not be sent.

    Whoever interrupts does not want to wait for sources to end: after such an *error*, and when
    that happens meanwhile, they are closed. A second interruption gives up at once.
    """
    is_cut = status_after(error) == "canceled"
    if is_cut:
        cut(engines, error)
    try:
        for engine in engines:
            _flush(engine)
    except INTERRUPTIONS:
        if is_cut:
            _abandon(engines)
        else:
            flush_engines(engines, KeyboardInterrupt())
        raise


def cut(engines: Iterable[Engine], error: BaseException | None) -> None:
    """Close all sources in *engines*, since *error* has interrupted them."""
    for engine in engines:
        for producer in engine.pending:
            producer.cancel(error)


def _flush(engine: Engine) -> None:
    if producers := engine.pending:
        _flush_producers(engine, producers)
    # The ends of runs: no more than to say so is left of them.
    wait(list(engine.outlasting), engine.flush_seconds)


def _flush_producers(engine: Engine, producers: list[Pending]) -> None:
    left = engine.call(flush(producers, engine.flush_seconds))
    for producer in left:
        logger.error("given up: %s", report(producer, engine.flush_seconds))
        if producer.is_sending:
            producer.abandon()
        else:
            producer.cancel()
    engine.call(flush(left, engine.flush_seconds))


def _abandon(engines: Iterable[Engine]) -> None:
    for engine in engines:
        for producer in engine.pending:
            logger.error("interrupted again: %s: %s", _name(producer), _unsent(producer))
            producer.abandon()


async def _say(producers: Iterable[Pending], level: int) -> None:
    await asyncio.sleep(SILENT_SECONDS)
    left = [_state(each) for each in producers if each.is_sending or not each.is_done]
    if left:
        logger.log(level, SAID, ", ".join(left))


def _state(producer: Pending) -> str:
    if not producer.is_sending:
        return f"{_name(producer)} (its source goes on)"
    why = f": {producer.trouble}" if producer.trouble else ""
    return f"{_name(producer)} ({producer.unsent} chunks are not sent{why})"


class _Exit:
    """The end of the program."""

    def __init__(self) -> None:
        self._is_interrupted = False

    def flush(self) -> None:
        """Send what is left."""
        was_interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt
        try:
            flush_engines(all_of(ENGINES), KeyboardInterrupt() if was_interrupted else None)
        except INTERRUPTIONS:
            self._is_interrupted = True

    def close(self) -> None:
        """Send what threads of the user's have gone on writing until now, and let go of all."""
        self.flush()
        for engine in all_of(ENGINES):
            engine.close()
        if self._is_interrupted:
            _end_by_interruption()


def _end_by_interruption() -> None:
    """Let Python end, when all else is done, as it does when nobody catches `KeyboardInterrupt`.

    It remembers that of the last text it has executed. What is raised at the end itself is only
    written down.
    """
    # https://github.com/python/cpython/blob/3.13/Python/pythonrun.c: `run_eval_code_obj`.
    with suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")


def _at_exit(flush: Callable[[], None]) -> None:
    # Before the pools of threads are shut down that an event loop needs to look up names; `atexit`
    # is after it. https://github.com/python/cpython/blob/3.13/Lib/threading.py: `_register_atexit`.
    register = getattr(threading, "_register_atexit", None)
    if register is None:
        atexit.register(flush)
        return
    import concurrent.futures.thread  # noqa: F401  # registered before us, it runs after us

    register(flush)


_exit = _Exit()
atexit.register(_exit.close)
_at_exit(_exit.flush)
