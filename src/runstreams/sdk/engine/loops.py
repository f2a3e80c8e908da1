"""An event loop on a thread of its own."""

import asyncio

# What is registered last is done first around a fork. Pools of threads lock themselves then, and an
# engine that waits for such a lock would never stand still: so they must be registered before us.
import concurrent.futures.thread  # noqa: F401
import logging
import os
import socket
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from .known import all_of
from .patches import refuse_patches

logger = logging.getLogger("runstreams")

refuse_patches()

_HOLD_SECONDS = 5.0
"""Longest that a fork waits for a loop to stand still, which it does within milliseconds."""


_CLOSING_SECONDS = 2.0
"""How long what was cancelled may take to close its connections, before it is cancelled again."""


_LAST_SECONDS = 0.005
"""How long a loop still turns after everything was closed: sockets are so in a later turn."""


class LoopThread:
    """Runs an event loop until it is stopped. The thread is a daemon: it keeps no program alive."""

    def __init__(self, name: str) -> None:
        """Begin it. Raises `InvalidSetting` where it would be no thread."""
        refuse_patches()
        self.loop = Loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether we are in it."""
        return threading.current_thread() is self._thread

    def stop(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel everything that runs here, do *last*, and end; from any thread."""

        def begin() -> None:
            # The loop holds its tasks only weakly, and nobody else may be left to hold this one.
            self._ending = self.loop.create_task(self._end(last))

        try:
            self.loop.call_soon_threadsafe(begin)
        except RuntimeError:  # it has ended
            last.close()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def hold(self, go_on: threading.Event) -> None:
        """Let it stand still until *go_on*: a fork in the middle of what it does, as of an import,
        would leave its locks locked in the child for ever.
        """
        still = threading.Event()

        def stand() -> None:
            still.set()
            go_on.wait()

        if self.is_current:
            return
        with suppress(RuntimeError):  # it has ended
            self.loop.call_soon_threadsafe(stand)
            if not still.wait(_HOLD_SECONDS):
                logger.warning("a fork did not wait any longer for a client to stand still")

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    async def _end(self, last: Coroutine[Any, Any, None]) -> None:
        deadline = self.loop.time() + _CLOSING_SECONDS
        # What is cancelled may begin something else before it ends.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            late = self.loop.time() >= deadline
            for task in tasks:
                # Cancelled again, or at a wrong moment, it could not close what it has opened.
                if late or not (task.cancelling() or task in self.loop.delicate):
                    task.cancel()
            left = max(deadline - self.loop.time(), _LAST_SECONDS)
            await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        await last
        self.loop.abort_connections()
        await asyncio.sleep(_LAST_SECONDS)
        with suppress(RuntimeError):  # at the end of the program, when there is no pool any more
            await self.loop.shutdown_default_executor()
        self.loop.stop()


class Background:
    """A coroutine that runs in a loop of another thread while nobody waits for it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, None],
        over: Callable[[], None],
    ) -> None:
        """Begin *work*; *over* is called in the loop when it has ended, or was cancelled."""
        self._loop = loop
        self._work = work
        self._over = over
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False
        loop.call_soon_threadsafe(self._begin)

    def cancel(self) -> None:
        """Cancel it, from any thread, as often as one likes."""
        with suppress(RuntimeError):  # the loop has ended, and this with it
            self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._ended)

    def _cancel(self) -> None:
        # Once: cancelled a second time, it could not close what it has opened.
        if self._task is not None and not self._is_cancelled:
            self._is_cancelled = True
            self._task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("this should not happen", exc_info=error)
        self._over()


class Loop(asyncio.SelectorEventLoop):
    """An event loop that knows which of its tasks are not to be cancelled by just anybody, and can
    still look up names when the program is about to end.
    """

    def __init__(self) -> None:
        self.delicate: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        """Tasks that must be ended by who began them, and all that they begin."""
        super().__init__()
        # The loop that this one extends holds its connections weakly. The garbage collector would
        # find those of a dropped client together with it, and end them before they can be closed.
        # https://github.com/python/cpython/blob/3.13/Lib/asyncio/selector_events.py: `_transports`.
        self._transports: dict[int, asyncio.Transport] = {}

    def create_task(self, *args: Any, **kwargs: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = super().create_task(*args, **kwargs)
        parent = asyncio.current_task(self)
        if parent is not None and parent in self.delicate:
            self.delicate.add(task)
        return task

    def abort_connections(self) -> None:
        """Close every connection that nobody has closed."""
        for transport in list(self._transports.values()):
            transport.abort()

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Any:
        try:
            return await super().getaddrinfo(host, port, **more)
        except RuntimeError:
            # The pool of threads for that is gone. Nobody but us is left to be held up.
            return socket.getaddrinfo(host, port, **more)


class Forked(Protocol):
    """What has threads, and may be in use when the process forks."""

    def hold(self, go_on: threading.Event) -> None:
        """Stand still until *go_on*."""

    def forget_parent(self) -> None:
        """Begin anew, in the child."""


class Forks:
    """What is to be done around each fork of this process."""

    def __init__(self) -> None:
        self._known: weakref.WeakSet[Forked] = weakref.WeakSet()
        self._forking = threading.local()
        """What each thread that forks lets go on afterwards: another one may fork meanwhile."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child
            )

    def watch(self, one: Forked) -> None:
        """Tell *one* of forks from now on."""
        self._known.add(one)

    def _before(self) -> None:
        go_on = self._forking.go_on = threading.Event()
        for one in all_of(self._known):
            one.hold(go_on)

    def _in_parent(self) -> None:
        self._forking.go_on.set()

    def _in_child(self) -> None:
        for one in all_of(self._known):
            one.forget_parent()


forks = Forks()
