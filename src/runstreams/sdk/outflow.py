"""Everything that one pipe or writer sends into one stream, from its start until it is done.

It goes on in the background, whether anybody waits for it or not: sources are pulled by threads, or
by tasks of the loop they belong to, and the engine sends what they give.
"""

import asyncio
import contextvars
import logging
import os
import threading
import weakref
from collections.abc import AsyncIterable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from ..core.errors import ClosedDifferently, Refused, RunstreamsError
from ..core.model import Status, StreamId
from . import sources
from .bell import Waiter, rung
from .endings import reason_of, status_after
from .errors import NotSent, SourceCut, StopRequested
from .handover import Tee
from .outbox import Batching
from .records import Receipt
from .sender import Sender
from .sources import Source
from .values import encode

if TYPE_CHECKING:
    from .engine import Engine

logger = logging.getLogger("runstreams")


class Outflow:
    """One client of a stream, and the sources it is fed from."""

    def __init__(
        self,
        engine: "Engine",
        stream: StreamId,
        client: str,
        batching: Batching,
        close: bool | None,
    ) -> None:
        """Begin to send to *stream* as *client*.

        With *close* the stream is closed at the end, whatever that is; with None, unless all went
        well; with False, never.
        """
        self.stream = stream
        self.result: Future[int | None] = Future()
        """The index of the last chunk, when all is done; or what went wrong."""
        self.stopped = False
        """Whether somebody asked the producer to stop."""
        self.seen = False
        """Whether anybody has asked for the result."""
        self._process = os.getpid()
        self._engine = engine
        self._close = close
        self._sender = Sender(stream, client, batching)
        self._lock = threading.Lock()
        self.is_open = True
        """Whether it may be written to, beside what its sources give."""
        self._sources = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._canceled = False
        self._tee: weakref.ref[Tee[Any]] = lambda: None  # type: ignore[assignment]
        engine.begin(self)

    def tee(self) -> "Tee[Any]":
        """Return what passes, for `.stream`; it is kept for as long as somebody holds it."""
        tee = Tee[Any]()
        self._tee = weakref.ref(tee)
        return tee

    # Feeding

    def write(self, value: object) -> Waiter | None:
        """Queue *value*; return what to wait for before the next one, when too much is unsent.

        Raises `InvalidChunk`, `ChunkTooLarge`, `StopRequested`, `WriterClosed`, `BufferFull`, and
        what sending has failed with.
        """
        self._check_process()
        line = encode(value)
        if self.stopped:
            raise StopRequested("somebody has asked this stream's producers to stop")
        if (tee := self._tee()) is not None:
            tee.put(value, len(line))
        return self._sender.put(line)

    def merge(self, source: Source[Any]) -> None:
        """Write the values of *source* too, in the background. Raises `InvalidSource`."""
        sources.check_source(source)
        with self._lock:
            self._sources += 1
        if sources.is_async(source):
            self._merge_async(cast(AsyncIterable[Any], source))
        else:
            self._merge_in_thread(cast(Iterable[Any], source))

    def _merge_in_thread(self, source: Iterable[Any]) -> None:
        # What the source does inside is done in the run that we are in.
        run = contextvars.copy_context().run
        name = f"runstreams source of {self.stream.run}/{self.stream.key}"
        threading.Thread(target=run, args=(self._pull, source), name=name, daemon=True).start()

    def _pull(self, source: Iterable[Any]) -> None:
        error: BaseException | None = None
        try:
            for value in sources.values(source):
                if self._is_over():
                    break
                if (full := self.write(value)) is not None:
                    full.result()
        except BaseException as problem:
            error = problem
        if error is not None or self._is_over():
            sources.close(source)
        self._fed(error)

    def _merge_async(self, source: AsyncIterable[Any]) -> None:
        try:
            task = asyncio.get_running_loop().create_task(self._apull(source))
            self._hold(task)
        except RuntimeError:  # no loop here: the engine's will do
            self._engine.submit(self._apull_held(source))

    async def _apull_held(self, source: AsyncIterable[Any]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._hold(task)
        await self._apull(source)

    def _hold(self, task: "asyncio.Task[None]") -> None:
        with self._lock:
            self._tasks.add(task)

    async def _apull(self, source: AsyncIterable[Any]) -> None:
        error: BaseException | None = None
        try:
            async for value in sources.avalues(source):
                if self._is_over():
                    break
                if (full := self.write(value)) is not None:
                    await rung(full)
        except asyncio.CancelledError:
            if not self._is_over():
                error = SourceCut("the source was cancelled, as when its event loop ends")
        except BaseException as problem:
            error = problem
        finally:
            with self._lock:
                self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        if error is not None or self._is_over():
            await sources.aclose(source)
        self._fed(error)

    def _fed(self, error: BaseException | None) -> None:
        """Note that a source has come to its end, with *error* or well."""
        with self._lock:
            self._sources -= 1
        self._note(error)

    def finish(self, error: BaseException | None = None) -> None:
        """End the writing; it is done when the sources are, too. With *error* it has failed."""
        self.is_open = False
        self._note(error)

    def _note(self, error: BaseException | None) -> None:
        with self._lock:
            if self._error is None and not isinstance(error, StopRequested):
                self._error = error
            over = not self.is_open and not self._sources
        if over:
            self._end()

    def cancel(self) -> None:
        """Close the sources and end the stream as canceled; what was written stays."""
        self.is_open = False
        self._canceled = True
        self._end()

    def _is_over(self) -> bool:
        return self.stopped or self._canceled

    def _end(self) -> None:
        self._sender.end()
        if (tee := self._tee()) is not None:
            tee.end(self._error)
        with self._lock:
            tasks = list(self._tasks) if self._is_over() else []
        for task in tasks:
            _cancel(task)

    # Sending, in the engine

    async def send(self) -> None:
        """Send until the end, then close the stream if that is due, and tell the result."""
        engine = self._engine
        try:
            await self._sender.run(engine.transport, engine.patience(), self._receive)
            await self._close_stream()
        except RunstreamsError as error:
            self._fail(error)
        except BaseException:
            self._fail(NotSent("given up before everything was sent", unsent=self.unsent))
            raise
        else:
            self._tell()

    def _receive(self, receipt: Receipt) -> None:
        if receipt.stop and not self.stopped:
            self.stopped = True
            self._end()

    async def _close_stream(self) -> None:
        status = self._status()
        if status is None:
            return
        try:
            await self._engine.persist(
                lambda: self._engine.transport.close(self.stream, status, self._reason())
            )
        except Refused as error:
            if status == "completed" and isinstance(error, ClosedDifferently):
                raise
            logger.info("%s/%s was closed already: %s", *self.stream, error)

    def _status(self) -> Status | None:
        if self._close is False:
            return None
        status = "canceled" if self._is_over() else status_after(self._error)
        return status if status != "completed" or self._close else None

    def _reason(self) -> str | None:
        return None if self._error is None else reason_of(self._error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._end_sources()
        self._tell()

    def _end_sources(self) -> None:
        self._canceled = True
        self._end()

    def _tell(self) -> None:
        self._engine.done(self)
        if self._error is None:
            self.result.set_result(self._sender.last_index)
            return
        if not self.seen:  # it may be that nobody ever asks
            logger.warning("%s/%s was broken off: %s", *self.stream, reason_of(self._error))
        self.result.set_exception(self._error)

    # What there is to tell

    @property
    def unsent(self) -> int:
        """How many chunks are not acknowledged."""
        return self._sender.unsent

    def told(self) -> "Future[int | None]":
        """Return the result, to somebody who will see it. Raises `NotSent` in a child of the
        process that began this: it is sent there.
        """
        self._check_process()
        self.seen = True
        return self.result

    def ending(self) -> "Future[Any]":
        """Return what is done when there is nothing left to wait for."""
        return self._sender.drained() if self.is_open else self.result

    def drained(self) -> "Future[None]":
        """Return what is done when all that has been written until now is acknowledged."""
        self._check_process()
        return self._sender.drained()

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise NotSent("this belongs to the process that began it, and is sent there")


def _cancel(task: "asyncio.Task[None]") -> None:
    """Cancel *task* from any thread."""
    try:
        task.get_loop().call_soon_threadsafe(task.cancel)
    except RuntimeError:
        logger.debug("the loop of a source has ended before it")
