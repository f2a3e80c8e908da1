"""Chunks as values of a type, checked by pydantic where it is installed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_origin

from ..core.errors import InvalidChunk
from .errors import InvalidSetting
from .records import Part

PLAIN = (Any, object, str, int, float, bool, dict, list, type(None))
"""Types that JSON itself has: without pydantic they are taken as they come."""

Decode = Callable[[Any, int], Any]
"""Makes a value of the JSON value and index of a chunk."""


def decoder(kind: Any) -> Decode | None:
    """Return what makes values of type *kind*; None where JSON values are left as they are.

    Raises `InvalidSetting` for a type that needs pydantic where that is not installed.
    """
    if kind is None or kind in (Any, object):
        return None
    try:
        from pydantic import TypeAdapter, ValidationError
    except ImportError:
        if kind in PLAIN or get_origin(kind) in PLAIN:
            return None
        raise InvalidSetting(
            f'chunks of type {kind} need pydantic: pip install "runstreams[pydantic]"'
        ) from None
    adapter = TypeAdapter(kind)

    def decode(value: Any, index: int) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise InvalidChunk(f"chunk {index} is not as defined: {error}", index=index) from error

    return decode


def maker(decode: Decode | None, parts: bool) -> Callable[[Part[Any]], Any]:
    """Return what makes of a chunk what a reader's loop gets: its value, or with *parts* all that
    is known of it.
    """
    if decode is None:
        return _whole if parts else _value

    def make(part: Part[Any]) -> Any:
        value = decode(part.data, part.index)
        return replace(part, data=value) if parts else value

    return make


def _whole(part: Part[Any]) -> Part[Any]:
    return part


def _value(part: Part[Any]) -> Any:
    return part.data
