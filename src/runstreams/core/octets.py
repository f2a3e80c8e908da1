"""Bytes as chunks: each chunk is one line of text, so that batches, segments and pages are what
they are for JSON.

Text keeps its bytes, but for line feeds and the character that stands before their substitutes: it
grows by less than a hundredth. Whatever is not UTF-8 is written in base64, a third larger, since
some stores keep small batches as strings.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

from .limits import CHUNK_BYTES

PIECE_BYTES = CHUNK_BYTES // 2 - 1
"""Most bytes of one chunk: were each a line feed, it would fill a chunk."""

TEXT, BINARY = b"t", b"b"
"""How a chunk begins."""

_ESCAPE = b"\x10"
_ESCAPED = re.compile(rb"\x10[en]")
_PLAIN = {b"\x10e": _ESCAPE, b"\x10n": b"\n"}


def stuffed(data: bytes) -> list[bytes]:
    """Return *data* as chunks."""
    return [_stuffed(piece) for piece in _cut(data)]


def unstuffed(chunks: Iterable[bytes]) -> bytes:
    """Return what *chunks* hold, joined."""
    return b"".join(_pieces(chunks))


def _cut(data: bytes) -> Iterator[bytes]:
    """Yield *data* in pieces, text in such that are text: each may be handed on by itself."""
    at = 0
    while at < len(data):
        end = _end_of_character(data, at + PIECE_BYTES)
        yield data[at:end]
        at = end


def _end_of_character(data: bytes, at: int) -> int:
    """Return where a character ends, *at* an index or shortly before; just there if none does."""
    if at >= len(data):
        return len(data)
    starts = (end for end in range(at, at - 4, -1) if data[end] & 0xC0 != 0x80)
    return next(starts, at)


def _stuffed(piece: bytes) -> bytes:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return BINARY + b64encode(piece)
    return TEXT + piece.replace(_ESCAPE, b"\x10e").replace(b"\n", b"\x10n")


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        kind, body = chunk[:1], chunk[1:]
        if kind == BINARY:
            yield b64decode(body)
        else:
            yield _ESCAPED.sub(lambda found: _PLAIN[found[0]], body)
