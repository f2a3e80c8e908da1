"""Chunks of a type that is named: what is written by it can be read by it.

The type's own adapter, pydantic's, does both. It writes by the aliases that it reads by, and leaves
out what it would not take back: computed fields.
"""

import json
from typing import TYPE_CHECKING, Any, get_origin

from ..core.errors import InvalidChunk
from .closing import said
from .errors import InvalidSetting
from .plain import is_wire_model
from .values import JSON, Form, encode

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PLAIN = (int, float, bool, dict, list, type(None))
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
        if kind in PLAIN or get_origin(kind) in PLAIN:
            return JSON
        raise InvalidSetting(
            f'chunks of type {kind} need pydantic: pip install "runstreams[pydantic]"'
        ) from None
    try:
        return _adapted(TypeAdapter(kind))
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise InvalidSetting(f"chunks cannot be of type {kind}: {error}") from error


def _encode_text(value: Any) -> bytes:
    return encode(_checked_text(value, "it"))


def _decode_text(value: Any, index: int) -> Any:
    return _checked_text(value, f"chunk {index}", index)


def _checked_text(value: Any, name: str, index: int | None = None) -> str:
    """Return a *value* that is text, of any halves of characters: pydantic would not have them."""
    if isinstance(value, str):
        return value
    raise InvalidChunk(f"{name} is not as defined: {type(value).__name__} is not str", index=index)


def _adapted(adapter: "TypeAdapter[Any]") -> Form:
    def encoded(value: Any) -> bytes:
        return encode(value if is_wire_model(value) else _dumped(adapter, value))

    def decoded(value: Any, index: int) -> Any:
        try:
            # From JSON, in which a strict type takes a date for what it is.
            return adapter.validate_json(json.dumps(value))
        except ValueError as error:
            raise InvalidChunk(
                f"chunk {index} is not as defined: {said(error)}", index=index
            ) from error

    return Form(encoded, decoded)


def _dumped(adapter: "TypeAdapter[Any]", value: Any) -> Any:
    """Return *value* as JSON says it. Raises `InvalidChunk` for what the type does not take."""
    try:
        return _dump(adapter, value)
    except ValueError:
        pass  # not quite of the type, as a dict that stands for a model
    try:
        return _dump(adapter, adapter.validate_python(value))
    except ValueError as error:
        raise InvalidChunk(f"it is not as defined: {said(error)}") from error


def _dump(adapter: "TypeAdapter[Any]", value: Any) -> Any:
    return adapter.dump_python(value, mode="json", by_alias=True, round_trip=True, warnings="error")
