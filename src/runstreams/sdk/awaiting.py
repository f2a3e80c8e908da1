"""What only the async surface does: it waits in coroutines, and takes coroutine functions.

`blocking` has the same names for threads: the sync surface is written from the async one, with
that module in the place of this.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from .engine import waiting
from .engine.engine import Engine
from .engine.queues import NothingYet
from .engine.waiting import Waiter, fired, outcome, watched
from .errors import StopRequested
from .handles import Writing
from .runs import ActiveRun, check_ends
from .writing import sources
from .writing.producer import Producer

T = TypeVar("T")

_TASKS: set["asyncio.Task[None]"] = set()
"""Functions that write with a writer: a loop holds its tasks only weakly."""


async def taken(
    engine: Engine, take: Callable[[], T], wait: Callable[[Waiter], Awaitable[None]] = fired
) -> T:
    """Return what *take* gives, once there is something. Raises `StopAsyncIteration` at the end."""
    while True:
        try:
            return take()
        except NothingYet as nothing:
            waiter = nothing.waiter
        except StopIteration:
            raise StopAsyncIteration from None
        await wait(waiter)


async def passed(engine: Engine, producer: Producer, take: Callable[[], T]) -> T:
    """Return what *take* gives of what passes through *producer*. Raises as `taken`; a source is
    not waited for whose event loop has ended without a word.
    """
    return await taken(engine, take, partial(watched, look=producer.give_up_lost))


async def result(engine: Engine, future: "Future[T]") -> T:
    """Return the result of *future*, which goes on when this is cancelled."""
    return await outcome(future)


async def completed(engine: Engine, producer: Producer, seconds: float | None) -> int | None:
    """Return the result of *producer*, which goes on when this is cancelled. Raises `TimeoutError`
    after *seconds*; a source is not waited for whose event loop has ended without a word.
    """
    future = producer.told()
    # What is there already is had without waiting, also in no time.
    async with asyncio.timeout(None if future.done() else seconds):
        return await outcome(future, producer.give_up_lost)


async def settled(engine: Engine, future: "Future[Any]", seconds: float | None = None) -> None:
    """Wait until *future* is done, at most *seconds*."""
    await waiting.settled(future, seconds)


async def outlasting(engine: Engine, run: ActiveRun, ending: Coroutine[Any, Any, T]) -> T:
    """Return the result of *ending*, which goes on when this is cancelled: some do that at each
    await, as anyio does, and with it Starlette when a client goes away.
    """
    return await outcome(engine.outlast(ending))


class Written:
    """A chunk that is queued. Awaiting it waits while too much is unsent; it need not be
    awaited.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def __await__(self) -> Generator[Any, None, None]:
        # Asked for here: where nobody awaits, waiters would take more memory than what is unsent.
        if (full := self._producer.room()) is not None:
            yield from fired(full).__await__()


class Writable(Writing[T]):
    """What is written chunk by chunk, by a coroutine."""

    def write(self, value: T) -> Written:
        """Queue one chunk. Await the answer to be slowed down to what can be sent; who never does
        may have 64 MiB unsent.

        Raises `InvalidChunk`, `ChunkTooLarge`, `StopRequested` when readers have asked to stop,
        `WriterClosed`, `BufferFull`, and what sending has failed with.
        """
        self._producer.write(value)
        return Written(self._producer)


check_source = sources.check_source


def let_write(producer: Producer, write: Callable[[], object]) -> None:
    """Let *write* write: in the background if it is a coroutine function, or else now."""
    try:
        done = write()
    except StopRequested:
        producer.finish()
    except BaseException as error:
        producer.cancel(error)
        raise
    else:
        if not inspect.iscoroutine(done):
            producer.finish()
            return
        task = asyncio.get_running_loop().create_task(_finish(producer, done))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)


async def _finish(producer: Producer, writing: Coroutine[Any, Any, object]) -> None:
    try:
        await writing
    except BaseException as error:
        producer.cancel(None if isinstance(error, StopRequested) else error)
        if not isinstance(error, Exception):
            raise
    else:
        producer.finish()


def check_work(work: object) -> None:
    """Raise `TypeError` unless *work* can be a run here: a coroutine function."""
    check_ends(work)
    if not inspect.iscoroutinefunction(work):
        raise TypeError("a plain function is decorated with the sync streams.run")
