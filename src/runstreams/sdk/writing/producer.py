"""Everything that one pipe or writer sends into one stream, from its start until it is done.

It goes on in the background, whether anybody waits for it or not: sources are pulled by threads, or
by tasks of the loop they belong to, and the engine sends what they give.
"""

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import AsyncIterable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

from ...core.errors import (
    ClosedDifferently,
    FencedOff,
    InvalidIndex,
    Refused,
    RunstreamsError,
    StreamClosed,
)
from ...core.model import Status, StreamId
from ..closing import reason_of, status_after
from ..engine.engine import Engine
from ..engine.queues import Tee
from ..engine.waiting import Told, Waiter
from ..errors import NotSent, StopRequested
from ..explaining import Doing
from ..records import Receipt
from ..run_leases import RunLeases
from ..values import Encode
from . import sources
from .buffer import Batching
from .sender import Sender
from .sources import Puller, Source, TaskPuller, ThreadPuller
from .texts import BYTES, Texts

logger = logging.getLogger("runstreams")


class Producer:
    """One client of a stream, and the sources it is fed from."""

    def __init__(
        self,
        engine: Engine,
        stream: StreamId,
        client: str,
        batching: Batching,
        close: bool | None,
        encode: Encode,
        lease: int = 0,
        heir: RunLeases | None = None,
        fence: int | None = None,
    ) -> None:
        """Begin to send to *stream* as *client*, what is written as *encode* makes it.

        With *close* the stream is closed at the end, whatever that is; with None, unless all went
        well; with False, never. Until then it holds a lease of so many seconds; a stream that stays
        open is left to *heir*, or nobody's. Who has taken the stream over began at *fence*.
        """
        self.stream = stream
        self.result: Future[int | None] = Told()
        """The index of the last chunk, when all is done; or what went wrong."""
        self.stopped = False
        """Whether somebody asked the producer to stop."""
        self.seen = False
        """Whether anybody has asked for the result."""
        self.is_kept_out = False
        """Whether it was told that somebody has taken the stream over."""
        self._process = os.getpid()
        self._engine = engine
        self._close = close
        self._encode = encode
        self._texts = Texts()
        self._pen = threading.RLock()
        self._heir = heir
        self._took_over = fence is not None
        self._abandoned = False
        self._sender = Sender(stream, client, batching, lease, fence)
        # A writer that is found to be garbage finishes this, in whatever thread and moment.
        self._lock = threading.RLock()
        self.is_open = True
        """Whether it may be written to, beside what its sources give."""
        self._pulling = 0
        self._pullers: list[Puller] = []
        self._error: BaseException | None = None
        self._canceled = False
        self._tee: weakref.ref[Tee[Any]] = lambda: None  # type: ignore[assignment]
        self._patience = engine.patience(Doing("write", *stream))
        self._is_told = False
        self._sending = engine.spawn(self.send(), self.sent)
        engine.keep(self)

    def tee(self) -> "Tee[Any]":
        """Return what passes, for `.stream`; it is kept for as long as somebody holds it."""
        tee = Tee[Any]()
        self._tee = weakref.ref(tee)
        return tee

    # What it is given

    def write(self, value: object) -> None:
        """Queue *value*. Raises `InvalidChunk`, `ChunkTooLarge`, `StopRequested`, `WriterClosed`,
        `BufferFull`, and what sending has failed with.
        """
        self.check_process()
        with self._pen:
            for whole in [value] if isinstance(value, BYTES) else self._texts.feed(value):
                self._put(whole)
            if not self.is_open:
                self._let_out()

    def room(self) -> Waiter | None:
        """Return what to wait for before the next value while too much is unsent."""
        return self._sender.room()

    def supersede(self, start: int) -> None:
        """Let the stream's chunks from *start* on no longer count once the next one is stored.
        Raises `InvalidIndex`.
        """
        if not isinstance(start, int) or start < 0:
            raise InvalidIndex(f"chunks are superseded from an index from 0 on, not {start!r}")
        self.check_process()
        with self._pen:
            self._let_out()  # it came before
            self._sender.supersede(start)

    def _let_out(self) -> None:
        """Queue the half of a character that nothing can follow any more."""
        with self._pen:
            for half in self._texts.end():
                self._put(half)

    def _pass_on(self, value: object) -> Waiter | None:
        """Queue a *value* of a source; return what to wait for before the next one."""
        self._put(value)
        return self.room()

    def _put(self, value: object) -> None:
        self.check_process()
        line = self._encode(value)
        if self.stopped:
            raise _stop_requested()
        self._sender.put(line)
        if (tee := self._tee()) is not None:
            tee.put(value, len(line))

    def merge(self, source: Source[Any]) -> None:
        """Write the values of *source* too, in the background. Raises `InvalidSource`."""
        sources.check_source(source)
        with self._lock:
            self._pulling += 1
        try:
            puller = self._puller_of(source)
        except BaseException:  # as where no more threads may be begun
            self._pulled(None)
            raise
        with self._lock:
            self._pullers.append(puller)

    def pull(self, source: Source[Any]) -> None:
        """Write the values of *source*, and be done with it. Raises `InvalidSource`."""
        try:
            self.merge(source)
        except BaseException as error:
            self.cancel(error)
            raise
        self.finish()

    def _puller_of(self, given: Source[Any]) -> Puller:
        source = sources.iterated(given)
        if not sources.is_async(source):
            name = f"runstreams source of {self.stream.run}/{self.stream.key}"
            return ThreadPuller(
                cast(Iterable[Any], source), self._pass_on, self._is_over, self._pulled, name
            )
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # none here: the engine's will do
            loop = self._engine.loop
        return TaskPuller(
            loop, cast(AsyncIterable[Any], source), self._pass_on, self._is_over, self._pulled
        )

    def _pulled(self, error: BaseException | None) -> None:
        """Note that a source has come to its end, with *error* or well."""
        with self._lock:
            self._pulling -= 1
        self._note(None if self._is_over() else error)

    def finish(self, error: BaseException | None = None) -> None:
        """End the writing; it is done when the sources are, too. With *error* it has failed."""
        self._close_text()
        self._note(error)

    def _note(self, error: BaseException | None) -> None:
        with self._lock:
            if self._error is None and not isinstance(error, StopRequested):
                self._error = error
            over = not self.is_open and not self._pulling
        if over:
            self._end()

    def cancel(self, error: BaseException | None = None) -> None:
        """Close the sources and end the stream as canceled, or as *error* says; what was written
        stays.
        """
        self._close_text()
        self._canceled = True
        self._note(error)
        self._end()

    def abandon(self) -> None:
        """Send no more, and say nothing of the end: somebody has said so, and is not told again."""
        self.seen = self._abandoned = True
        self.cancel()
        self._sending.cancel()

    def _close_text(self) -> None:
        self.is_open = False
        with suppress(RunstreamsError):  # why it cannot be sent is known by then
            self._let_out()

    def _is_over(self) -> bool:
        return self.stopped or self._canceled

    def _end(self) -> None:
        self._sender.end(lets_go=self._status() is None and self._heir is None)
        if (tee := self._tee()) is not None:
            tee.end(self._error)
        with self._lock:
            pullers, self._pullers = self._pullers, []
        if self._is_over():
            for puller in pullers:
                puller.stop()

    # Sending, in the engine

    async def send(self) -> None:
        """Send until the end, then close the stream if that is due."""
        try:
            engine = self._engine
            await self._sender.run(
                lambda: engine.transport, self._patience, self._receive, self._meaning
            )
            if not self._abandoned:
                await self._part()
        except StopRequested:
            self._stop()
        except Exception as error:
            self.is_kept_out = isinstance(error, FencedOff)
            self._fail(error)
        self._is_told = True

    async def _part(self) -> None:
        """Close the stream if that is due, or let go of it."""
        if (status := self._status()) is not None:
            await self._close_stream(status)
        elif self._took_over or self._sender.promise.is_made:
            await self._let_go()

    async def _meaning(self, error: Exception) -> Exception:
        """Return `StopRequested` where another producer of the stream was quicker to hear that
        readers ask to stop, rather than that the stream was closed otherwise, or before: or else
        *error*.
        """
        is_canceled = isinstance(error, StreamClosed) and error.status == "canceled"
        if not is_canceled or not self.acknowledged:
            return error
        try:
            info = await self._engine.persist(lambda to: to.describe(self.stream), self._patience)
        except RunstreamsError:  # as with a token that may only write
            return error
        return _stop_requested() if info.stop else error

    def sent(self) -> None:
        """Tell the result, now that `send` has ended or was cancelled."""
        if not self._is_told:
            given_up = NotSent("given up, or the client was closed", unsent=self.unsent)
            self._sender.give_up(given_up)
            self._fail(given_up)
        self._engine.done(self)
        if self._error is None:
            self.result.set_result(self._sender.last_index)
            return
        if not self.seen:  # it may be that nobody ever asks
            how = reason_of(self._error)
            logger.warning("%s/%s was broken off: %s%s", *self.stream, how, self._outlook())
        self.result.set_exception(self._error)

    def _outlook(self) -> str:
        """Say how an interrupted pipe can be taken up again."""
        if status_after(self._error) != "canceled":
            return ""
        if self._close is False:
            return "; the stream is open: another pipe into it goes on where this one ended"
        return "; the stream is closed; with close=False it stays open, for another pipe to go on"

    def _receive(self, receipt: Receipt) -> None:
        if receipt.stop and not self.stopped:
            self._stop()

    def _stop(self) -> None:
        self.stopped = True
        self._end()

    async def _let_go(self) -> None:
        """Leave the stream's lease to the heir, or end it: nobody is to be missed. Who took the
        stream over makes sure that nobody else has since, before its run may be completed.
        """
        if self._heir is not None:
            if self._took_over:
                await self._engine.persist(self._sender.renew, self._patience)
            self._heir.take(self.stream, self._sender.fence)
            return
        try:
            await self._engine.persist(self._sender.let_go, self._patience)
        except FencedOff:
            raise
        except RunstreamsError as error:
            logger.info("the lease on %s/%s was not ended: %s", *self.stream, error)

    async def _close_stream(self, status: Status) -> None:
        fence, reason = self._sender.fence, self._reason()
        try:
            await self._engine.persist(
                lambda to: to.close(self.stream, status, reason, fence), self._patience
            )
        except Refused as error:
            self.is_kept_out = isinstance(error, FencedOff)
            if status == "completed" and isinstance(error, ClosedDifferently | FencedOff):
                raise
            logger.info("%s/%s was not closed: %s", *self.stream, error)

    def _status(self) -> Status | None:
        if self._close is False:
            return None
        is_cut = self._error is None and self._is_over()
        status = "canceled" if is_cut else status_after(self._error)
        return status if status != "completed" or self._close else None

    def _reason(self) -> str | None:
        return None if self._error is None else reason_of(self._error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._canceled = True
        self._end()

    # What there is to tell

    @property
    def unsent(self) -> int:
        """How many chunks are not acknowledged."""
        return self._sender.unsent

    @property
    def acknowledged(self) -> int:
        """How many chunks the server has."""
        return self._sender.acknowledged

    @property
    def is_sending(self) -> bool:
        """Whether there is something that the server must still take: chunks, or the end."""
        return self.unsent > 0 or (self._sender.is_done and not self.is_done)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.result.done() or (self.is_open and not self.unsent)

    @property
    def state(self) -> str:
        """How it is going, and how many chunks the server has."""
        if not self.result.done():
            how = "stopped" if self.stopped else "open" if self.is_open else "going on"
        else:
            how = "ended" if self._error is None else f"broken off by {reason_of(self._error)}"
        return f"{how}, {self.acknowledged} chunks sent, {self.unsent} unsent"

    @property
    def trouble(self) -> str | None:
        """Why sending does not get on, if it does not."""
        error = self._patience.trouble
        return None if error is None else str(error)

    def told(self) -> "Future[int | None]":
        """Return the result, to somebody who will see it. Raises `NotSent` in a child of the
        process that began this: it is sent there.
        """
        self.check_process()
        self.seen = True
        return self.result

    def give_up_lost(self) -> None:
        """Wait no longer for sources whose event loop has ended without a word."""
        with self._lock:
            pullers = list(self._pullers)
        for puller in pullers:
            puller.give_up()

    def ending(self) -> "Future[Any]":
        """Return what is done when there is nothing left to wait for."""
        return self._sender.drained() if self.is_open else self.result

    def drained(self) -> "Future[None]":
        """Return what is done when all that has been written until now is acknowledged."""
        self.check_process()
        return self._sender.drained()

    @property
    def is_ours(self) -> bool:
        """Whether this process sends it, rather than the one it was forked from."""
        return os.getpid() == self._process

    def check_process(self) -> None:
        """Raise `NotSent` in a child of the process that began it."""
        if not self.is_ours:
            raise NotSent("this belongs to the process that began it, and is sent there", unsent=0)


def _stop_requested() -> StopRequested:
    return StopRequested("somebody has asked this stream's producers to stop")
