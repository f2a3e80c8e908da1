"""What can be piped: iterables and async iterables of values, generators, files, streams of
SDKs.
"""

import inspect
from collections.abc import AsyncIterable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

from .errors import InvalidSource

T = TypeVar("T")

Source = Iterable[T] | AsyncIterable[T]
"""Where chunks come from, one item a chunk."""


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
    is_iterable = hasattr(type(source), "__iter__") or hasattr(type(source), "__aiter__")
    if is_value or isinstance(source, type) or not is_iterable:
        raise InvalidSource(f"a source must be an iterable of chunks, not {type(source).__name__}")


def is_async(source: Source[T]) -> bool:
    """Say whether *source* belongs to an event loop."""
    return hasattr(type(source), "__aiter__")


def text_of(item: object) -> object:
    """Return *item*, or the text that it is: lines of a binary file are bytes."""
    return item.decode() if isinstance(item, bytes) else item


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
