"""What comes on standard input, as chunks."""

import codecs
import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..core.errors import ChunkTooLarge, InvalidChunk
from ..core.json_lines import check_chunk, decode
from ..core.limits import CHUNK_BYTES
from ..serve.errors import CannotRun

PIECE_BYTES = 64 * 1024
"""Read at a time, and so the largest chunk of raw text."""


class Input:
    """Reads standard input, and counts. A byte order mark at its beginning is no part of it. Raises
    `CannotRun` where there is none.

    Not through the buffer of `sys.stdin`: a thread that waits in there would hold up the end of the
    program.
    """

    def __init__(self) -> None:
        self.count = 0
        """Chunks that have come."""
        self.size = 0
        """Bytes that have come."""
        if sys.stdin is None:  # as after `<&-`: the descriptor may be another file's by now
            raise CannotRun("there is no standard input")
        self._descriptor = sys.stdin.fileno()

    def lines(self) -> Iterator[str]:
        """Yield the text of each line; an unterminated last one counts, unless it is empty."""
        for line in self._lines():
            self.count += 1
            yield self._text(line.removesuffix(b"\r"))

    def values(self) -> Iterator[Any]:
        """Yield the JSON value of each line that is not blank."""
        for number, line in enumerate(self._lines(), 1):
            if not line.strip():
                continue
            self.count += 1
            try:
                yield decode(check_chunk(line))
            except InvalidChunk as error:
                raise InvalidChunk(f"line {number}: {error}") from None

    def pieces(self) -> Iterator[str]:
        """Yield text as it comes, cut between characters at most."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        while True:
            data = self._read()
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise InvalidChunk(f"the input is not UTF-8: {error.reason}") from None
            if text:
                self.count += 1
                yield text
            if not data:
                return

    def _lines(self) -> Iterator[bytes]:
        lines = self._split()
        for first in islice(lines, 1):
            yield first.removeprefix(codecs.BOM_UTF8)
        yield from lines

    def _split(self) -> Iterator[bytes]:
        rest = b""
        while data := self._read():
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
            if len(rest) > CHUNK_BYTES:
                raise ChunkTooLarge(
                    f"line {self.count + 1} is longer than the {CHUNK_BYTES} bytes of a chunk",
                    limit=CHUNK_BYTES,
                    size=len(rest),
                )
        if rest:
            yield rest

    def _read(self) -> bytes:
        try:
            data = os.read(self._descriptor, PIECE_BYTES)
        except OSError as error:
            raise CannotRun(f"cannot read the input: {error.strerror}") from error
        self.size += len(data)
        return data

    def _text(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise InvalidChunk(f"line {self.count} is not UTF-8") from None
