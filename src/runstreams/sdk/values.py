"""Values as chunks, and chunks as values of a type that pydantic checks where it is installed."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_origin

from ..core.errors import ChunkTooLarge, InvalidChunk
from ..core.limits import CHUNK_BYTES
from .errors import InvalidSetting
from .records import Chunk


def encode(value: object) -> bytes:
    """Return *value* as a chunk: one line of JSON, its newline included.

    Raises `InvalidChunk` for what JSON cannot say, `ChunkTooLarge`.
    """
    try:
        line = _encode(value).encode()
    except UnicodeEncodeError:
        raise InvalidChunk("a chunk contains half a surrogate pair") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidChunk(f"a chunk is not a JSON value: {error}") from error
    if len(line) > CHUNK_BYTES:
        raise ChunkTooLarge(
            f"a chunk may have {CHUNK_BYTES} bytes, this one has {len(line)}",
            limit=CHUNK_BYTES,
            size=len(line),
        )
    return line + b"\n"


def _plain(value: Any) -> Any:
    """Return what stands for *value*, which JSON does not know."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    # Known by its method, since pydantic need not be installed.
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return dump(value, mode="json")
    raise TypeError(f"{type(value).__name__} is neither JSON, nor a dataclass or pydantic model")


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
).encode


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


def maker(decode: Decode | None, chunks: bool) -> Callable[[Chunk[Any]], Any]:
    """Return what makes of a chunk what a reader's loop gets: its value, or with *chunks* all that
    is known of it.
    """
    if decode is None:
        return _whole if chunks else _value

    def make(chunk: Chunk[Any]) -> Any:
        value = decode(chunk.data, chunk.index)
        return replace(chunk, data=value) if chunks else value

    return make


def _whole(chunk: Chunk[Any]) -> Chunk[Any]:
    return chunk


def _value(chunk: Chunk[Any]) -> Any:
    return chunk.data
