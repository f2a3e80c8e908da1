"""Values as chunks: anything JSON, dataclasses and pydantic models included."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

from ..core.errors import ChunkTooLarge, InvalidChunk
from ..core.limits import CHUNK_BYTES


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
