"""Chunks of a type that is named: what is written by it can be read by it.

The type's own adapter, pydantic's, does both. It writes by the names that it reads by, and leaves
out what it would not take back: computed fields. What it would not read is not written.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_origin

from ..core.errors import InvalidChunk
from .aliases import Names, names_of
from .closing import said
from .errors import InvalidSetting
from .jsonable import is_wire_model
from .values import JSON, Form, encode, with_whole_characters

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_PLAIN = (int, float, bool, dict, list, type(None))
"""Types that JSON itself has: without pydantic they are taken as they come."""


def form_of(kind: Any) -> Form:
    """Return how values of type *kind* are written and read.

    Raises `InvalidSetting` for a type that needs pydantic where that is not installed, and for one
    that pydantic knows nothing of.
    """
    if kind is None or kind in (Any, object):
        return JSON
    if kind is str:
        return Form(_encode_text, _decode_text)
    try:
        from pydantic import PydanticUndefinedAnnotation, PydanticUserError, TypeAdapter
    except ImportError:
        if kind in _PLAIN or get_origin(kind) in _PLAIN:
            return JSON
        raise InvalidSetting(
            f'chunks of type {kind} need pydantic: pip install "runstreams[pydantic]"'
        ) from None
    try:
        adapter = _Adapter(TypeAdapter(kind), kind)
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise _no_type(kind, error) from error
    return Form(adapter.encode, adapter.decode)


def _encode_text(value: Any) -> bytes:
    return encode(_checked_text(value, "it"))


def _decode_text(value: Any, index: int) -> Any:
    return _checked_text(value, f"chunk {index}", index)


def _checked_text(value: Any, name: str, index: int | None = None) -> str:
    """Return a *value* that is text, of any halves of characters: pydantic has none."""
    if isinstance(value, str):
        return value
    raise InvalidChunk(f"{name} is not as defined: {type(value).__name__} is not str", index=index)


class _Adapter:
    """A type as pydantic has it, from the first use on: it may name one that comes later."""

    def __init__(self, adapter: "TypeAdapter[Any]", kind: Any) -> None:
        self._adapter = adapter
        self._kind = kind

    def encode(self, value: Any) -> bytes:
        if is_wire_model(value):
            return encode(value)
        with self._complete():
            try:
                line = encode(self._dumped(value))
                self._read(line.decode())
            except ValueError as error:
                raise InvalidChunk(f"it is not as defined: {said(error)}") from error
        return line

    def decode(self, value: Any, index: int) -> Any:
        with self._complete():
            try:
                # From JSON, in which a strict type takes a date for what it is.
                return self._read(json.dumps(value))
            except ValueError as error:
                reason = f"chunk {index} is not as defined: {said(error)}"
                raise InvalidChunk(reason, index=index) from error

    @contextmanager
    def _complete(self) -> Iterator[None]:
        from pydantic import PydanticUserError

        try:
            yield
        except PydanticUserError as error:
            raise _no_type(self._kind, error) from error

    @cached_property
    def _names(self) -> Names:
        from pydantic import VERSION

        return names_of(self._adapter.core_schema, VERSION)

    def _dumped(self, value: Any) -> Any:
        """Return *value* as JSON says it. Raises `ValueError` for what the type does not take."""
        try:
            return self._dump(value)
        except ValueError:  # not quite of the type, as a dict that stands for a model
            return self._dump(self._adapter.validate_python(value))

    def _dump(self, value: Any) -> Any:
        return self._adapter.dump_python(
            value, mode="json", round_trip=True, warnings="error", **self._names.writing
        )

    def _read(self, text: str) -> Any:
        return self._adapter.validate_json(with_whole_characters(text), **self._names.reading)


def _no_type(kind: Any, error: Exception) -> InvalidSetting:
    return InvalidSetting(f"chunks cannot be of type {kind}: {error}")
