"""What only the sync surface does: it waits in threads, and takes plain functions.

`awaiting` has the same names for coroutines.
"""

import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from .closing import INTERRUPTIONS
from .engine.engine import Engine
from .engine.queues import NothingYet
from .engine.waiting import check_thread
from .errors import StopRequested
from .handles import Writing
from .runs import ActiveRun, check_ends
from .writing import sources
from .writing.producer import Producer
from .writing.sources import Source

T = TypeVar("T")


def taken(engine: Engine, take: Callable[[], T]) -> T:
    """Return what *take* gives, once there is something. Raises `StopIteration` at the end, and
    `InEventLoop`.
    """
    check_thread()
    while True:
        try:
            return take()
        except NothingYet as nothing:
            waiter = nothing.waiter
        # Out here, so that what goes wrong meanwhile does not tell of it.
        engine.wait(waiter)


def passed(engine: Engine, producer: Producer, take: Callable[[], T]) -> T:
    """Return what *take* gives of what passes through *producer*. Raises as `taken`."""
    return taken(engine, take)


def result(engine: Engine, future: "Future[T]") -> T:
    """Return the result of *future*, which goes on when this is interrupted."""
    return engine.wait(future)


def completed(engine: Engine, producer: Producer, seconds: float | None) -> int | None:
    """Return the result of *producer*, which goes on when this is interrupted. Raises
    `TimeoutError` after *seconds*.
    """
    return engine.wait(producer.told(), seconds)


def settled(engine: Engine, future: "Future[Any]", seconds: float | None = None) -> None:
    """Wait until *future* is done, at most *seconds*."""
    check_thread()
    wait([future], seconds)


def outlasting(engine: Engine, run: ActiveRun, ending: Coroutine[Any, Any, T]) -> T:
    """Return the result of *ending*. Interrupted once more, it is given up."""
    try:
        return engine.call(ending, lasting=True)
    except INTERRUPTIONS:
        run.abandon()
        raise


class Writable(Writing[T]):
    """What is written chunk by chunk, by a thread."""

    def write(self, value: T) -> None:
        """Write one chunk. Returns when it is queued; waits when too much is unsent.

        Raises `InvalidChunk`, `ChunkTooLarge`, `StopRequested` when readers have asked to stop,
        `WriterClosed`, `InEventLoop`, and what sending has failed with.
        """
        check_thread()
        self._producer.write(value)
        if (full := self._producer.room()) is not None:
            self._connection.engine.wait(full)

    def merge(self, source: Source[T]) -> None:
        """Write the items of *source* too, in the background. Raises `InvalidSource`,
        `InEventLoop`.
        """
        check_source(source)
        super().merge(source)


def check_source(source: Source[Any]) -> None:
    """Raise `InvalidSource` unless *source* can be piped, and `InEventLoop` for an async one where
    an event loop runs.
    """
    sources.check_source(source)
    if sources.is_async(source):
        check_thread()


def let_write(producer: Producer, write: Callable[[], object]) -> None:
    """Let *write* write. Raises what it raises, and `TypeError` if it is a coroutine function."""
    try:
        if inspect.iscoroutine(done := write()):
            done.close()
            raise TypeError("a coroutine function writes with the writer of runstreams.aio")
    except StopRequested:
        pass
    except BaseException as error:
        producer.cancel(error)
        raise
    producer.finish()


def check_work(work: object) -> None:
    """Raise `TypeError` unless *work* can be a run here: a plain function."""
    check_ends(work)
    if inspect.iscoroutinefunction(work):
        raise TypeError("a coroutine function is decorated with runstreams.aio's streams.run")
