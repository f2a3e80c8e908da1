"""Pulling the items of a source, in the background, until it ends or nobody wants more.

An iterable is pulled by a thread of its own, for it may block as long as it likes; an async
iterable by a task of the event loop it belongs to. Each closes its source unless it came to its end
by itself, and says exactly once that it is done.
"""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from . import sources
from .bell import Waiter, rung
from .errors import SourceCut

Write = Callable[[object], Waiter | None]
"""Takes an item; returns what to wait for before the next one."""

IsOver = Callable[[], bool]
"""Says whether nobody wants more."""

Done = Callable[[BaseException | None], None]
"""Is told what the source has raised."""


class Feed(Protocol):
    """A source that is being pulled."""

    def stop(self) -> None:
        """Stop where it waits, if that is possible; nobody wants more."""


class ThreadFeed:
    """Pulls an iterable in a thread. It cannot be interrupted: it looks up at each item."""

    def __init__(
        self, source: Iterable[Any], write: Write, is_over: IsOver, done: Done, name: str
    ) -> None:
        self._source = source
        self._write = write
        self._is_over = is_over
        self._done = done
        # What the source does inside is done in the run that we are in.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._pull,), name=name, daemon=True).start()

    def stop(self) -> None:
        pass

    def _pull(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._source:
                if self._is_over():
                    break
                if (full := self._write(sources.text_of(item))) is not None:
                    full.result()
        except BaseException as problem:
            error = problem
        if error is not None or self._is_over():
            sources.close(self._source)
        self._done(error)


class TaskFeed:
    """Pulls an async iterable in a task of *loop*."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: AsyncIterable[Any],
        write: Write,
        is_over: IsOver,
        done: Done,
    ) -> None:
        self._loop = loop
        self._source = source
        self._write = write
        self._is_over = is_over
        self._done = done
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._begin, context=contextvars.copy_context())

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended before
            self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._pull())
        self._task.add_done_callback(self._over)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _pull(self) -> None:
        ended = False
        try:
            async for item in self._source:
                if self._is_over():
                    return
                if (full := self._write(sources.text_of(item))) is not None:
                    await rung(full)
            ended = True
        finally:
            if not ended:
                await sources.aclose(self._source)

    def _over(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            self._done(SourceCut("the source was cancelled, as when its event loop ends"))
        else:
            self._done(task.exception())
