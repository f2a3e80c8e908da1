"""Sending one writer's chunks: in order, in batches, each until it is acknowledged.

The server knows a writer by its client id and counts its chunks, so a batch that may or may not
have arrived is sent again as it was, and what had arrived of it is acknowledged and dropped. That
is how a writer goes on from the server's last chunk, without asking for it first.
"""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from ...core.errors import RunstreamsError
from ...core.limits import MIB, TICK_SECONDS
from ...core.model import StreamId
from ..engine.waiting import Signal, Told, Waiter, fired
from ..errors import BufferFull, WriterClosed
from ..leases import Promise
from ..records import Receipt
from ..retrying import Patience, is_passing
from ..tracing import going_on, sending
from ..transport import Transport
from .buffer import Batching, Buffer, InFlight

BUFFER_BYTES = 64 * MIB
"""Unsent bytes beyond which a write that nobody waits for is refused, rather than fill the memory.
"""


Meaning = Callable[[Exception], Awaitable[Exception]]
"""Returns what a failure of sending means to whoever writes."""


class Sender:
    """Carries chunks from whoever writes, in any thread, to the server, in the engine."""

    def __init__(
        self,
        stream: StreamId,
        client: str,
        batching: Batching,
        lease: int = 0,
        fence: int | None = None,
    ) -> None:
        """Send to *stream* as *client*, which promises to be heard of within *lease* seconds, and
        began at *fence*; None: the first answer tells.
        """
        self.stream = stream
        self.client = client
        self.fence = fence
        """How often the stream had been taken over when the client began, once that is known."""
        self.promise = Promise(lease, is_made=fence is not None)
        """What the client says of when it will be heard of."""
        self.last_index: int | None = None
        """Index of the last chunk that is acknowledged."""
        self._buffer = Buffer(batching)
        # A writer that is found to be garbage ends this, perhaps in the middle of a `put`.
        self._lock = threading.RLock()
        self._news = Signal()
        self._room = Signal()
        self._drains: deque[tuple[int, Future[None]]] = deque()
        """What is done when so many chunks are acknowledged, fewer first."""
        self._ended = False
        self._lets_go = False
        self._failure: BaseException | None = None

    # Whoever writes

    def put(self, line: bytes) -> None:
        """Queue a chunk. Raises what sending has failed with, `WriterClosed`, `BufferFull`."""
        with self._lock:
            self._check_open()
            buffer = self._buffer
            was_idle = buffer.due() is None
            buffer.put(line)
            if was_idle or buffer.is_batch_full:
                self._news.fire()

    def room(self) -> Waiter | None:
        """Return what to wait for before the next chunk while too much is unsent."""
        with self._lock:
            is_over = self._ended or self._failure is not None
            return self._room.waiter() if self._buffer.is_full and not is_over else None

    def supersede(self, start: int) -> None:
        """Let the next chunk's append say from which index on those before it no longer count.
        Raises what `put` raises.
        """
        with self._lock:
            self._check_open()
            self._buffer.supersede(start)

    def drained(self) -> "Future[None]":
        """Return what is done when all that has been written until now is acknowledged."""
        with self._lock:
            written = self._buffer.written
            if self._drains and self._drains[-1][0] == written:
                return self._drains[-1][1]  # somebody waits for the same
            done = Told[None]()
            if self._failure is not None:
                done.set_exception(self._failure)
            elif not self._buffer.unsent:
                done.set_result(None)
            else:
                self._drains.append((written, done))
                self._buffer.hurry()
                self._news.fire()
        return done

    def end(self, lets_go: bool = False) -> None:
        """Take no more chunks; what is queued leaves without lingering. With *lets_go* the last
        ones take the promise back.
        """
        with self._lock:
            self._ended, self._lets_go = True, lets_go
            self._buffer.hurry()
            self._news.fire()
            self._room.fire()

    @property
    def is_done(self) -> bool:
        """Whether it has ended, with everything acknowledged or in failure."""
        with self._lock:
            return self._failure is not None or (self._ended and not self._buffer.unsent)

    @property
    def unsent(self) -> int:
        """How many chunks are not acknowledged."""
        with self._lock:
            return self._buffer.unsent

    @property
    def acknowledged(self) -> int:
        """How many chunks the server has."""
        with self._lock:
            return self._buffer.acknowledged

    def _check_open(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._ended:
            raise WriterClosed("the writer has ended and takes no more chunks")
        if self._buffer.unsent_size > BUFFER_BYTES:
            raise BufferFull(
                f"more than {BUFFER_BYTES} bytes wait to be sent: await the writes, or drain",
                limit=BUFFER_BYTES,
                size=self._buffer.unsent_size,
            )

    # The engine

    async def run(
        self,
        transport: Callable[[], Transport],
        patience: Patience,
        receive: Callable[[Receipt], None],
        meaning: Meaning,
    ) -> None:
        """Send by *transport* until everything is acknowledged and the end is called, and be heard
        of in silence; hand each answer to *receive*.

        Raises what the server refuses with, or the last failure when *patience* runs out, or rather
        the *meaning* of that; nobody is told before that is known.
        """
        self.promise.begin(asyncio.get_running_loop().time())
        try:
            with going_on():
                while (in_flight := await self._next()) is not None:
                    if in_flight.size:
                        with sending(self.stream, in_flight.size, len(in_flight.body)):
                            receive(await self._deliver(transport, patience, in_flight))
                    elif (receipt := await self._hold(transport(), patience)) is not None:
                        receive(receipt)
        except Exception as error:
            failure = await meaning(error)
            self._fail(failure)
            if failure is error:
                raise
            raise failure from error
        except BaseException:
            self._fail(WriterClosed("the client was closed before everything was sent"))
            raise

    def give_up(self, error: Exception) -> None:
        """Tell *error* to whoever writes or waits, unless `run` has told them why it ended; it may
        have been cancelled before it began.
        """
        if self._failure is None:
            self._fail(error)

    async def _next(self) -> InFlight | None:
        """Wait until a batch is due, or a sign of life, which is an empty one, and return it; None
        when all is done.
        """
        time = asyncio.get_running_loop().time
        while True:
            with self._lock:
                now, due = time(), self._buffer.due()
                if due is not None and due - now < TICK_SECONDS:
                    return self._buffer.take(now)
                if due is None:
                    if self._ended:
                        return None
                    if (due := self.promise.due) - now < TICK_SECONDS:
                        return InFlight(self._buffer.acknowledged, 0, b"")
                waiter = self._news.waiter()
            await fired(waiter, None if due == math.inf else due - now)

    async def _deliver(
        self, transport: Callable[[], Transport], patience: Patience, in_flight: InFlight
    ) -> Receipt:
        time = asyncio.get_running_loop().time
        while True:
            started, lease = time(), self.promise.with_chunks(self._is_last())
            try:
                receipt = await transport().append(
                    *(self.stream, self.client, in_flight.number, in_flight.body),
                    *(lease, self.fence, in_flight.supersedes),
                )
            except RunstreamsError as error:
                await asyncio.sleep(patience.after(error))
                continue
            patience.progress()
            self.promise.heard(started, lease, receipt.leased_until)
            self._arrived(receipt, time() - started)
            return receipt

    def _is_last(self) -> bool:
        """Say whether the batch under way is the last thing that the server hears."""
        with self._lock:
            return self._lets_go and not self._buffer.is_waiting

    async def _hold(self, transport: Transport, patience: Patience) -> Receipt | None:
        """Promise in silence. Raises what will not pass; what may is no reason to give up while
        there is nothing to send.
        """
        started, lease = asyncio.get_running_loop().time(), self.promise.alone()
        try:
            receipt = await self._tell(transport, lease)
        except RunstreamsError as error:
            if not is_passing(error):
                patience.after(error)
            self.promise.unheard(asyncio.get_running_loop().time())
            return None
        self.promise.heard(started, lease, receipt.leased_until)
        return receipt

    async def renew(self, transport: Transport) -> Receipt:
        """Make the promise once more. Raises what the transport does."""
        return await self._tell(transport, self.promise.alone())

    async def let_go(self, transport: Transport) -> Receipt:
        """Take the promise back. Raises what the transport does."""
        return await self._tell(transport, 0)

    async def _tell(self, transport: Transport, lease: int | None) -> Receipt:
        said = self.stream, self.client, self.acknowledged, b"", lease, self.fence
        receipt = await transport.append(*said)
        self._begin_at(receipt)
        return receipt

    def _begin_at(self, receipt: Receipt) -> None:
        if self.fence is None:
            self.fence = receipt.fence

    def _arrived(self, receipt: Receipt, seconds: float) -> None:
        self._begin_at(receipt)
        with self._lock:
            self._buffer.arrived(seconds, receipt.linger)
            if receipt.last_index is not None:
                self.last_index = receipt.last_index
            if not self._buffer.is_full:
                self._room.fire()
            drained = self._drained()
        for each in drained:
            _settle(each, None)

    def _drained(self) -> "list[Future[None]]":
        """Return what is done by now."""
        drains, done = self._drains, list[Future[None]]()
        while drains and drains[0][0] <= self._buffer.acknowledged:
            done.append(drains.popleft()[1])
        return done

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failure = error
            self._room.fire()
            drains, self._drains = self._drains, deque()
        for _, drained in drains:
            _settle(drained, self._failure)


def _settle(done: "Future[None]", failure: BaseException | None) -> None:
    if not done.set_running_or_notify_cancel():
        return  # whoever waited has given up
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
