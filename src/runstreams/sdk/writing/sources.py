"""What can be piped: iterables and async iterables of values, generators, files, streams of
SDKs, and contexts that give one of these.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Any, Protocol, TypeVar, cast

from ..engine.waiting import Waiter, fired
from ..errors import InvalidSource, SourceCut
from .texts import Texts

T = TypeVar("T")

Source = (
    Iterable[T]
    | AsyncIterable[T]
    | AbstractContextManager[Iterable[T]]
    | AbstractAsyncContextManager[AsyncIterable[T]]
)
"""Where chunks come from, one item a chunk; or a context that gives it, as models' SDKs have them:
it is entered, and left at the end.
"""


def check_source(source: object) -> None:
    """Raise `InvalidSource` unless *source* is an iterable of chunks, rather than a value
    itself.
    """
    if isinstance(source, str | bytes | bytearray):
        raise InvalidSource(
            f"a source must be an iterable of chunks, not one {type(source).__name__}: "
            "wrap it in a list, or use append"
        )
    if inspect.iscoroutine(source):
        source.close()
        raise InvalidSource("a source must be an iterable, not a coroutine: await it first")
    # A model is iterable too: over its fields.
    is_value = isinstance(source, Mapping) or hasattr(type(source), "model_dump")
    if is_value or isinstance(source, type) or not (_is_iterable(source) or _is_context(source)):
        raise InvalidSource(f"a source must be an iterable of chunks, not {type(source).__name__}")


def _is_iterable(source: object) -> bool:
    return hasattr(type(source), "__iter__") or hasattr(type(source), "__aiter__")


def _is_context(source: object) -> bool:
    return hasattr(type(source), "__enter__") or hasattr(type(source), "__aenter__")


def is_async(source: object) -> bool:
    """Say whether *source* belongs to an event loop."""
    kind = type(source)
    if _is_iterable(source):
        return hasattr(kind, "__aiter__")
    return hasattr(kind, "__aenter__")


def iterated(source: Source[T]) -> Iterable[T] | AsyncIterable[T]:
    """Return *source* as an iterable, a context with what it gives."""
    if _is_iterable(source):
        return cast(Iterable[T] | AsyncIterable[T], source)
    if is_async(source):
        return _inside_async(cast(AbstractAsyncContextManager[AsyncIterable[T]], source))
    return _inside(cast(AbstractContextManager[Iterable[T]], source))


def _inside(context: AbstractContextManager[Iterable[T]]) -> Iterator[T]:
    with context as source:
        check_source(source)
        yield from source


async def _inside_async(
    context: AbstractAsyncContextManager[AsyncIterable[T]],
) -> AsyncIterator[T]:
    async with context as source:
        check_source(source)
        async for item in source:
            yield item


def close(source: object) -> None:
    """Close a *source* that is not read to its end, if it can be closed: a generator, a
    response.
    """
    if callable(end := getattr(source, "close", None)):
        # Its own trouble while ending is of no interest any more.
        with suppress(Exception):
            end()


async def aclose(source: object) -> None:
    """Close an async *source* that is not read to its end, if it can be closed."""
    for name in ("aclose", "close"):
        if callable(end := getattr(source, name, None)):
            with suppress(Exception):
                ending = end()
                if inspect.isawaitable(ending):
                    await ending
            return


Write = Callable[[object], Waiter | None]
"""Takes an item; returns what to wait for before the next one."""

_IsOver = Callable[[], bool]
"""Says whether nobody wants more."""

Done = Callable[[BaseException | None], None]
"""Is told what the source has raised."""


def _let_out(texts: Texts, write: Write) -> None:
    """Write the half of a character with which a source has broken off."""
    with suppress(Exception):  # why it broke off is the trouble to tell of
        for half in texts.end():
            write(half)


class Puller(Protocol):
    """A source that is being pulled."""

    def stop(self) -> None:
        """Stop where it waits, if that is possible; nobody wants more."""

    def give_up(self) -> None:
        """Be done, if what pulls has ended without a word and nothing will come any more."""


class ThreadPuller:
    """Pulls an iterable in a thread. It cannot be interrupted: it looks up at each item."""

    def __init__(
        self, source: Iterable[Any], write: Write, is_over: _IsOver, done: Done, name: str
    ) -> None:
        self._source = source
        self._texts = Texts()
        self._write = write
        self._is_over = is_over
        self._done = done
        # What the source does inside is done in the run that we are in.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._pull,), name=name, daemon=True).start()

    def stop(self) -> None:
        pass

    def give_up(self) -> None:
        pass

    def _pull(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._source:
                if self._is_over():
                    break
                self._take(self._texts.feed(item))
            self._take(self._texts.end())
        except BaseException as problem:
            error = problem
            _let_out(self._texts, self._write)
        if error is not None or self._is_over():
            close(self._source)
        self._done(error)

    def _take(self, values: list[object]) -> None:
        for value in values:
            if (full := self._write(value)) is not None:
                full.result()


class TaskPuller:
    """Pulls an async iterable in a task of *loop*."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: AsyncIterable[Any],
        write: Write,
        is_over: _IsOver,
        done: Done,
    ) -> None:
        self._loop = loop
        self._source = source
        self._texts = Texts()
        self._write = write
        self._is_over = is_over
        self._done = done
        self._task: asyncio.Task[None] | None = None
        self._untold = threading.Lock()
        loop.call_soon_threadsafe(self._begin, context=contextvars.copy_context())

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended before
            self._loop.call_soon_threadsafe(self._cancel)

    def give_up(self) -> None:
        # A loop that does not turn may do so again; but somebody is waiting for the end already.
        if not self._loop.is_running():
            self._tell(SourceCut("the event loop of the source has ended before the source"))

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
                await self._take(self._texts.feed(item))
            await self._take(self._texts.end())
            ended = True
        finally:
            if not ended:
                _let_out(self._texts, self._write)
                await aclose(self._source)

    async def _take(self, values: list[object]) -> None:
        for value in values:
            if (full := self._write(value)) is not None:
                await fired(full)

    def _over(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            self._tell(SourceCut("the source was cancelled, as when its event loop ends"))
        else:
            self._tell(task.exception())

    def _tell(self, error: BaseException | None) -> None:
        """Say that it is done, once."""
        if self._untold.acquire(blocking=False):
            self._done(error)
