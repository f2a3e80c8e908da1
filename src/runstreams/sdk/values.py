"""Values as chunks, and chunks as values."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ..core.errors import InvalidChunk
from ..core.json_lines import decode_inside, too_large, utf8
from ..core.limits import CHUNK_BYTES
from .closing import said
from .jsonable import jsonable, with_plain_keys
from .records import Chunk
from .writing.texts import BYTES

Encode = Callable[[Any], bytes]
"""Makes a line of JSON of a value."""

Decode = Callable[[Any, int], Any]
"""Makes a value of the JSON value and index of a chunk."""


class Form(NamedTuple):
    """How the values of a stream become chunks, and how chunks become values."""

    encode: Encode
    decode: Decode | None
    """None: JSON values are left as they are."""


def encode(value: object) -> bytes:
    """Return *value* as a chunk: one line of JSON, its newline included.

    Raises `InvalidChunk` for what JSON cannot say, `ChunkTooLarge`.
    """
    if isinstance(value, BYTES):
        raise InvalidChunk("a chunk is not a JSON value: bytes are text only where they are piped")
    try:
        line = utf8(_text(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidChunk(f"a chunk is not a JSON value: {said(error)}") from error
    if len(line) > CHUNK_BYTES:
        raise too_large(len(line))
    return line + b"\n"


def decode_member(text: str) -> Any:
    """Return the value of JSON *text*, if a chunk that is an object may have it for a member.

    Raises `ValueError`.
    """
    try:
        return decode_inside(text, 1)
    except InvalidChunk as error:
        raise ValueError(said(error)) from None


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=jsonable
).encode


def _text(value: object) -> str:
    try:
        return _encode(value)
    except TypeError:
        # There is no hook for keys; what JSON cannot say fails again.
        return _encode(with_plain_keys(value))


_HALVES = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..|\\ud[89a-f]..", re.IGNORECASE)
"""In JSON: a backslash, a character, half a character."""


def with_whole_characters(text: str) -> str:
    """Return JSON with � in the place of each half of a character that is alone."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _HALVES.sub(lambda found: "\ufffd" if len(found[0]) == 6 else found[0], text)


JSON = Form(encode, None)
"""What a stream has whose type nobody has named."""


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
