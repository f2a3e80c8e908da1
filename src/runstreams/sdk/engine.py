"""The engine: an event loop on a thread of its own, where a client sends and reads.

It starts with the first use and ends with `close`. It outlives every event loop of the user, so
what was piped in one is sent even if that loop ends first; and after a fork, the child starts its
own.
"""

import asyncio
import logging
import os
import random
import socket
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from ..core.errors import RunstreamsError
from .errors import WriterClosed
from .outflow import Outflow
from .retrying import Patience, Retries
from .transport import Transport

T = TypeVar("T")

logger = logging.getLogger("runstreams")

ENGINES: "weakref.WeakSet[Engine]" = weakref.WeakSet()
"""All engines of this process."""

HOLD_SECONDS = 5.0
"""Longest that a fork waits for an engine to stand still, which it does within milliseconds."""

LEFT_BEHIND: list[object] = []
"""What a child has of its parent's engines. It is never freed: that would close what the parent
still uses.
"""


class Engine:
    """Runs coroutines for threads and for other event loops."""

    def __init__(self, connect: Callable[[], Transport], retries: Retries) -> None:
        self._connect = connect
        self._retries = retries
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._transport: Transport | None = None
        self._outflows: set[Outflow] = set()
        self._closed = False
        ENGINES.add(self)

    # From anywhere

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begin *work* in the engine. Raises `WriterClosed` when the client is closed."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running())
        except BaseException:
            work.close()
            raise

    def wait(self, future: "Future[T]", seconds: float | None = None) -> T:
        """Return the result of *future*, as a thread waits for it. Raises `TimeoutError` after
        *seconds*.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "this would wait for itself: an async source must use `runstreams.aio`"
            )
        try:
            return future.result(seconds)
        except CancelledError:
            raise WriterClosed("the client is closed") from None

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* and return its result; interrupted, it is cancelled."""
        future = self.submit(work)
        try:
            return self.wait(future)
        except BaseException:
            future.cancel()
            raise

    async def acall(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* for a coroutine of another loop; cancelled, it is cancelled."""
        future = self.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise WriterClosed("the client is closed") from None

    def spawn(self, work: Coroutine[Any, Any, None], over: Callable[[], None]) -> "Background":
        """Begin *work* in the background; *over* is called in the engine when it has ended."""
        try:
            loop = self._running()
            background = Background(loop, work, over)
            loop.call_soon_threadsafe(background.begin)
        except BaseException:
            work.close()
            raise
        return background

    def begin(self, outflow: Outflow) -> None:
        """Begin to send *outflow*."""
        with self._lock:
            self._outflows.add(outflow)
        self.spawn(outflow.send(), outflow.sent)

    def done(self, outflow: Outflow) -> None:
        """Forget *outflow*: it has told its result."""
        with self._lock:
            self._outflows.discard(outflow)

    @property
    def outflows(self) -> list[Outflow]:
        """What is being sent."""
        with self._lock:
            return list(self._outflows)

    def close(self) -> None:
        """Stop everything, close the connections and end the thread; it cannot be started again."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    # In the engine

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The engine's event loop, for sources that belong to no other."""
        return self._running()

    @property
    def transport(self) -> Transport:
        """The way to the server."""
        if self._transport is None:
            self._transport = self._connect()
        return self._transport

    def patience(self) -> Patience:
        """Return a fresh budget of failures."""
        return Patience(self._retries, random.random)

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Do *attempt* until it succeeds. Raises what does not pass, or the last failure."""
        patience = self.patience()
        while True:
            try:
                return await attempt()
            except RunstreamsError as error:
                await asyncio.sleep(patience.after(error))

    async def _stop(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._transport is not None:
            await self._transport.aclose()

    # The thread

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise WriterClosed("the client is closed")
            if self._loop is None:
                self._loop = _Loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="runstreams", daemon=True
                )
                self._thread.start()
            return self._loop

    def hold(self, go_on: threading.Event) -> None:
        """Let the engine stand still until *go_on*: a fork in the middle of what it does, as of an
        import, would leave its locks locked in the child for ever.
        """
        loop = self._loop
        if loop is None or threading.current_thread() is self._thread:
            return
        still = threading.Event()

        def stand() -> None:
            still.set()
            go_on.wait()

        loop.call_soon_threadsafe(stand)
        still.wait(HOLD_SECONDS)

    def forget_parent(self) -> None:
        """Begin anew in the child of a fork, with nothing of the parent's."""
        LEFT_BEHIND.append((self._loop, self._transport, self._outflows, self._thread))
        self._lock = threading.Lock()
        self._loop = self._thread = self._transport = None
        self._outflows = set()


class Background:
    """A coroutine that runs in an engine while nobody waits for it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, None],
        over: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._work = work
        self._over = over
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin, in the engine."""
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Cancel it, from anywhere."""
        with suppress(RuntimeError):  # the engine has ended, and this with it
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("this should not happen", exc_info=error)
        self._over()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that can still look up names when the program is about to end."""

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Any:
        try:
            return await super().getaddrinfo(host, port, **more)
        except RuntimeError:
            # The pool of threads for that is gone. Nobody but us is left to be held up.
            return socket.getaddrinfo(host, port, **more)


class _Forking:
    """What is done around a fork."""

    def __init__(self) -> None:
        self._go_on = threading.Event()

    def before(self) -> None:
        self._go_on = threading.Event()
        for engine in list(ENGINES):
            engine.hold(self._go_on)

    def in_parent(self) -> None:
        self._go_on.set()

    def in_child(self) -> None:
        for engine in list(ENGINES):
            engine.forget_parent()


if hasattr(os, "register_at_fork"):
    _forking = _Forking()
    os.register_at_fork(
        before=_forking.before,
        after_in_parent=_forking.in_parent,
        after_in_child=_forking.in_child,
    )
