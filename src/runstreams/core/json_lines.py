"""Chunks on the wire: one JSON value a line, checked and kept exactly as the writer encoded it."""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from .errors import ChunkTooLarge, InvalidChunk
from .limits import CHUNK_BYTES, NESTING

_SPACE = " \t\r\n"
"""White space of JSON."""

_ANY_SPACE = re.compile(f"[{_SPACE}]*")

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?')
"""A string, or what would be one if it ended: so that no character is ever looked at twice."""


def check_chunk(line: bytes) -> bytes:
    """Return *line*, stripped of outer white space, if it is one JSON value that every reader can
    take.

    Refused beside bad syntax: NaN and infinities, numbers beyond a double, integers of more than
    4,300 digits, nesting beyond `NESTING`. Half of a surrogate pair, escaped, is taken as it came.
    Raises `InvalidChunk`, `ChunkTooLarge`.
    """
    line = _check_size(line.strip(b" \t\r\n"))
    if b"\n" in line:
        raise InvalidChunk("a chunk must stand on one line")
    if line.startswith(BOM_UTF8):
        raise InvalidChunk("a chunk begins with a byte order mark, which is not JSON")
    _check_nesting(line)
    try:
        _DECODER.decode(line.decode())
    except UnicodeDecodeError:
        raise InvalidChunk("a chunk is not valid UTF-8") from None
    except ValueError as error:
        raise InvalidChunk(f"a chunk is not a JSON value: {_reason(error)}") from None
    return line


def plain_chunks(lines: Sequence[bytes]) -> list[bytes] | None:
    """Return *lines* without the empty ones, if each is beyond doubt a chunk as it stands; None if
    any needs `check_chunk` to tell.

    Looked at together, many small chunks take a third of the time.
    """
    chunks = [line for line in lines if line]
    whole, longest = b"\n".join(chunks), max(map(len, chunks), default=0)
    if longest > CHUNK_BYTES or min(_brackets(whole), longest) > NESTING:
        return None
    try:
        texts = whole.decode().split("\n") if chunks else []
        plain = all(_DECODER.raw_decode(text)[1] == len(text) for text in texts)
    except ValueError:
        return None
    return chunks if plain else None


def flattened(body: bytes) -> list[bytes]:
    """Return the chunks of a JSON *body*: the values of an array, each as it was encoded but for
    line breaks, or the one value that it is. Raises `InvalidChunk`, `ChunkTooLarge`.
    """
    _check_nesting(body)
    try:
        text = body.decode().strip(_SPACE)
        values = list(_values(text) if text.startswith("[") else _value(text))
    except UnicodeDecodeError:
        raise InvalidChunk("the body is not valid UTF-8") from None
    except ValueError as error:
        raise InvalidChunk(f"the body is not JSON: {_reason(error)}") from None
    # In valid JSON, line breaks stand between tokens only.
    return [_check_size(value.replace("\n", " ").encode()) for value in values]


def _value(text: str) -> Iterator[str]:
    """Yield *text*, which must be one JSON value."""
    _DECODER.decode(text)
    yield text


def _values(array: str) -> Iterator[str]:
    """Yield the values of a JSON *array* as they stand. Raises `JSONDecodeError`."""
    at = _behind_space(array, 1)
    more = not array.startswith("]", at)
    while more:
        _, end = _DECODER.raw_decode(array, at)
        yield array[at:end]
        at = _behind_space(array, end)
        if more := array.startswith(",", at):
            at = _behind_space(array, at + 1)
    if not array.startswith("]", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", array, at)
    if at + 1 < len(array):
        raise json.JSONDecodeError("Extra data", array, at + 1)


def _behind_space(text: str, at: int) -> int:
    found = _ANY_SPACE.match(text, at)
    assert found is not None
    return found.end()


def encode_text(text: bytes) -> bytes:
    """Return *text*, UTF-8 of any length, as a chunk: one JSON string. Raises `InvalidChunk`,
    `ChunkTooLarge`.
    """
    try:
        encoded = json.dumps(text.decode(), ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise InvalidChunk("the part is not valid UTF-8") from None
    return check_chunk(encoded)


def utf8(text: str) -> bytes:
    """Return JSON *text* as bytes; half of a surrogate pair, which UTF-8 cannot say, as its
    escape.
    """
    return text.encode("utf-8", "backslashreplace")


def decode_inside(text: str, depth: int) -> Any:
    """Return the value of JSON *text*, if it may stand in a chunk, *depth* levels deep.

    Raises `InvalidChunk`.
    """
    _check_nesting(b"[" * depth + utf8(text))
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        raise InvalidChunk(_reason(error)) from None


def too_large(size: int) -> ChunkTooLarge:
    """Return the error that tells of a chunk of *size* bytes."""
    message = f"a chunk may have {CHUNK_BYTES} bytes, this one has {size}"
    return ChunkTooLarge(message, limit=CHUNK_BYTES, size=size)


def _check_size(chunk: bytes) -> bytes:
    """Return *chunk* unless it is too large. Raises `ChunkTooLarge`."""
    if len(chunk) > CHUNK_BYTES:
        raise too_large(len(chunk))
    return chunk


def _check_nesting(line: bytes) -> None:
    # Counting brackets is one fast pass and settles nearly every chunk; only a suspicious one is
    # looked at.
    if _brackets(line) <= NESTING:
        return
    depth = 0
    for character in _STRINGS.sub(b"", line):
        if character in b"[{":
            depth += 1
            if depth > NESTING:
                raise InvalidChunk(
                    f"a chunk is nested more than {NESTING} levels deep", limit=NESTING
                )
        elif character in b"]}":
            depth -= 1


def _brackets(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{")


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return str(error)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text.removeprefix("-")) > 4300:
        raise ValueError("an integer has more than 4,300 digits")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: json.JSONDecoder = json.JSONDecoder(
    parse_float=_finite, parse_int=_integer, parse_constant=_no_constant
)


def decode(data: bytes) -> Any:
    """Return the value of a stored chunk."""
    return json.loads(data)
