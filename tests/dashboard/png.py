"""PNG files of 256 colours, for pictures that are in a repository: a third of what a browser makes
of a page, and nobody sees the difference.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"

PIXEL = 3
"""Bytes of a pixel in a screenshot: red, green and blue."""


def shrink(path: Path) -> None:
    """Write the screenshot at *path* anew, with its most frequent colours in the place of all."""
    header, packed = b"", b""
    for kind, data in _parts(path.read_bytes()):
        if kind == b"IHDR":
            header = data
        elif kind == b"IDAT":
            packed += data
    width, height, *form = struct.unpack(">IIBBBBB", header)
    assert form == [8, 2, 0, 0, 0], "not a screenshot"
    rows = [*_rows(zlib.decompress(packed), width * PIXEL)]
    palette, places = _reduced(rows)
    lines = b"".join(b"\0" + bytes(places[each] for each in _pixels(row)) for row in rows)
    written = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    path.write_bytes(SIGNATURE + b"".join(_part(kind, data) for kind, data in written))


def _parts(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        yield kind, png[at + 8 : at + 8 + length]
        at += 12 + length


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _rows(raw: bytes, width: int) -> Iterator[bytes]:
    """Yield the rows of pixels, each of which stands in the file as its difference to others."""
    above = bytes(width)
    for at in range(0, len(raw), width + 1):
        above = _row(raw[at], raw[at + 1 : at + 1 + width], above)
        yield above


def _row(filter: int, line: bytes, above: bytes) -> bytes:
    row = bytearray(PIXEL)  # a pixel to the left of the first one
    over = bytes(PIXEL) + above
    for at, value in enumerate(line):
        left, up, corner = row[at], over[at + PIXEL], over[at]
        row.append((value + _expected(filter, left, up, corner)) & 255)
    return bytes(row[PIXEL:])


def _expected(filter: int, left: int, up: int, corner: int) -> int:
    """Return what the file adds to: as the PNG specification names its five filters."""
    if filter == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda each: abs(guess - each))
    return (0, left, up, (left + up) // 2)[filter]


def _pixels(row: bytes) -> Iterator[bytes]:
    return (row[at : at + PIXEL] for at in range(0, len(row), PIXEL))


def _reduced(rows: list[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    """Return 256 colours, and which of them stands for each colour that occurs."""
    found = Counter(pixel for row in rows for pixel in _pixels(row))
    palette = [colour for colour, _ in found.most_common(256)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in found:
        if colour not in places:
            near = min(palette, key=lambda each: _distance(each, colour))
            places[colour] = palette.index(near)
    return palette, places


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
