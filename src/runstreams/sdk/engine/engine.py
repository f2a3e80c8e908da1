"""The engine: where a client sends and reads, on an event loop with a thread of its own.

It starts with the first use and ends with `close`, or when nobody holds it any more. It outlives
every event loop of the user, so what was piped in one is sent even if that loop ends first; and
after a fork, the child starts its own.
"""

import asyncio
import random
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol, TypeVar

from ...core.errors import RunstreamsError
from ...core.model import StreamId
from ..errors import WriterClosed
from ..explaining import Doing
from ..retrying import Patience, Retries
from ..transport import Transport
from .loops import Background, LoopThread, forks
from .waiting import check_thread

T = TypeVar("T")

ENGINES: "weakref.WeakSet[Engine]" = weakref.WeakSet()
"""All engines of this process."""

_LEFT_BEHIND: list[object] = []
"""What a child has of its parent's engines. It is never freed: that would close what the parent
still uses.
"""


class Pending(Protocol):
    """What is being sent into a stream, as the end of a client or of the program sees it."""

    stream: StreamId
    is_open: bool

    @property
    def unsent(self) -> int:
        """How many chunks are not acknowledged."""

    @property
    def acknowledged(self) -> int:
        """How many chunks the server has."""

    @property
    def is_sending(self) -> bool:
        """Whether there is something that the server must still take."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to wait for."""

    @property
    def trouble(self) -> str | None:
        """Why sending does not get on, if it does not."""

    def give_up_lost(self) -> None:
        """Wait no longer for sources whose event loop has ended without a word."""

    def ending(self) -> "Future[Any]":
        """Return what is done when there is nothing left to wait for."""

    def cancel(self, error: BaseException | None = None) -> None:
        """Close the sources; what was written is still sent."""

    def abandon(self) -> None:
        """Send no more."""


class Engine:
    """Runs coroutines for threads and for other event loops."""

    def __init__(
        self, connect: Callable[[], Transport], retries: Retries, flush_seconds: float
    ) -> None:
        """Work over what *connect* makes. The end of the program waits *flush_seconds* for an
        acknowledgement of what is not sent.
        """
        self.flush_seconds = flush_seconds
        self._connect = connect
        self._retries = retries
        # The garbage collector may run a destructor of the user's anywhere, and so in here.
        self._lock = threading.RLock()
        self._thread: LoopThread | None = None
        self._transport: Transport | None = None
        self._pending: set[Pending] = set()
        self.outlasting: set[Future[Any]] = set()
        """What the end of a client or of the program waits for, since perhaps nobody else does."""
        self._closed = False
        ENGINES.add(self)
        forks.watch(self)

    # From anywhere

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begin *work* in the engine. Raises `WriterClosed` when the client is closed."""
        try:
            with self._lock:  # what is begun before `close` is ended by it, and nothing after
                return asyncio.run_coroutine_threadsafe(work, self.loop)
        except BaseException:
            work.close()
            raise

    def wait(self, future: "Future[T]", seconds: float | None = None) -> T:
        """Return the result of *future*, as a thread waits for it. Raises `TimeoutError` after
        *seconds*, and `InEventLoop`.
        """
        check_thread()
        try:
            return future.result(seconds)
        except CancelledError:
            raise WriterClosed("the client is closed") from None

    def call(self, work: Coroutine[Any, Any, T], *, lasting: bool = False) -> T:
        """Do *work* and return its result; interrupted, it is cancelled. The end of a client waits
        for what is *lasting*. Raises `InEventLoop`.
        """
        try:
            check_thread()
        except BaseException:
            work.close()
            raise
        future = self.outlast(work) if lasting else self.submit(work)
        try:
            return self.wait(future)
        except BaseException:
            future.cancel()
            raise

    async def acall(self, work: Coroutine[Any, Any, T], *, lasting: bool = False) -> T:
        """Do *work* for a coroutine of another loop; cancelled, it is cancelled. The end of a
        client waits for what is *lasting*.
        """
        future = self.outlast(work) if lasting else self.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise WriterClosed("the client is closed") from None

    def outlast(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begin *work*, which the end of a client or of the program waits for, too."""
        future = self.submit(work)
        self.outlasting.add(future)
        future.add_done_callback(self.outlasting.discard)
        return future

    def spawn(self, work: Coroutine[Any, Any, None], over: Callable[[], None]) -> Background:
        """Begin *work* in the background; *over* is called in the engine when it has ended."""
        try:
            with self._lock:
                return Background(self.loop, work, over)
        except BaseException:
            work.close()
            raise

    def keep(self, pending: Pending) -> None:
        """Hold *pending* until it is done, as nobody else may."""
        with self._lock:
            self._pending.add(pending)

    def done(self, pending: Pending) -> None:
        """Forget *pending*: it has told its result."""
        with self._lock:
            self._pending.discard(pending)

    @property
    def pending(self) -> list[Pending]:
        """What is being sent."""
        with self._lock:
            return list(self._pending)

    def close(self) -> None:
        """Stop everything, close the connections and end the thread; it cannot be started again."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop(_let_go(self._transport))
            thread.join()

    def __del__(self) -> None:
        if self._thread is not None:
            self._thread.stop(_let_go(self._transport))

    # In the engine

    @property
    def transport(self) -> Transport:
        """The way to the server."""
        if self._transport is None:
            self._transport = self._connect()
        return self._transport

    def patience(self, doing: Doing) -> Patience:
        """Return a fresh budget of failures for what is being done."""
        return Patience(self._retries, random.random, doing)

    async def persist(self, attempt: Callable[[Transport], Awaitable[T]], patience: Patience) -> T:
        """Do *attempt* until it succeeds. Raises what does not pass, or the last failure when
        *patience* runs out.
        """
        while True:
            try:
                return await attempt(self.transport)
            except RunstreamsError as error:
                await asyncio.sleep(patience.after(error))

    # Its thread

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The engine's event loop, which this starts. Raises `WriterClosed`."""
        with self._lock:
            if self._closed:
                raise WriterClosed("the client is closed")
            if self._thread is None:
                self._thread = LoopThread("runstreams")
            return self._thread.loop

    def hold(self, go_on: threading.Event) -> None:
        """Stand still until *go_on*, while the process forks."""
        if self._thread is not None:
            self._thread.hold(go_on)

    def forget_parent(self) -> None:
        """Begin anew in the child of a fork, with nothing of the parent's."""
        _LEFT_BEHIND.append((self._thread, self._transport, self._pending, self.outlasting))
        self._lock = threading.RLock()
        self._thread = self._transport = None
        self._pending, self.outlasting = set(), set()


async def _let_go(transport: Transport | None) -> None:
    if transport is not None:
        await transport.aclose()
