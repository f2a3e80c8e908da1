"""The segment format: many consecutive chunks in one immutable object, each found by its index.

    chunk, newline, chunk, newline ... | index: deflated JSON | length of the index, 10 digits |
    "RSG1\n"

The data are the chunks exactly as written, so that a person can read them. The index at the end
tells the length of each line, and of each batch its count, effective time, client and that client's
first number.
"""

import json
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from operator import sub
from typing import Any, NamedTuple

from .errors import ObjectMissing
from .model import FORMAT, SegmentName, StoredChunk

_MAGIC = b"RSG1\n"
_TRAILER_BYTES = 10 + len(_MAGIC)
"""What stands at a segment's very end, and tells where its index begins."""

INDEX_GUESS = 64 * 1024
"""How much of a segment's end is fetched to find its index; nearly every index is smaller."""

_BATCH_COLUMNS = ("counts", "times", "writers", "numbers")
"""What the index keeps of the batches, by columns: half the time to read of one list a batch. A
writer is a place in the list of clients.
"""


class SealedBatch(NamedTuple):
    """What a segment remembers of a batch. A named tuple, as a segment may hold 65,536 of them."""

    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    time: int
    client: str | None
    number: int


class Columns(NamedTuple):
    """What a segment remembers of its batches, by columns."""

    counts: list[int]
    times: list[int]
    clients: list[str | None]
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """Where each chunk of a segment is, and of which batch."""

    first: int
    ends: "array[int]"
    """Byte position after each line."""
    times: "array[int]"
    """Effective time of each chunk."""
    columns: Mapping[str, list[Any]]
    """What is known of the batches, as it is stored: readers do not need it."""

    @property
    def end(self) -> int:
        """Index after the last chunk."""
        return self.first + len(self.ends)

    def position(self, index: int) -> int:
        """Return where the line of chunk *index* begins; of the index after the last one, where
        the data end.
        """
        return self.ends[index - self.first - 1] if index > self.first else 0

    def reach(self, index: int, size: int, overhead: int = 0) -> int:
        """Return the index up to which chunks from *index* on fit into *size* bytes, each taking
        *overhead* beside its line; at least one does.
        """
        begin, at = self.position(index), index - self.first

        def cost(line: int) -> int:
            return self.ends[line] - begin + overhead * (line - at + 1)

        fitting = bisect_right(range(at, len(self.ends)), size, key=cost)
        return max(index + fitting, index + 1)

    def chunks(self, data: bytes, start: int, end: int) -> list[StoredChunk]:
        """Return chunks *start* to *end* (exclusive); *data* begins with the line of *start*."""
        times = self.times[start - self.first : end - self.first]
        fields = zip(range(start, end), times, data.split(b"\n"), strict=False)
        # As `Chunk` does it, at half the price: a replay makes a million of them a second.
        return [tuple.__new__(StoredChunk, each) for each in fields]

    def lengths(self, start: int) -> Iterator[int]:
        """Yield the length of each line from chunk *start* on, newline included."""
        ends = self.ends[start - self.first :]
        return map(sub, ends, chain((self.position(start),), ends))

    def batches(self, start: int) -> "Columns":
        """Return what is known of the batches from chunk *start* on."""
        counts, times, writers, numbers = (self.columns[name] for name in _BATCH_COLUMNS)
        clients = [self.columns["clients"][writer] for writer in writers]
        skip = start - self.first
        if not skip:
            return Columns(counts, times, clients, numbers)
        at = bisect_right(list(accumulate(counts)), skip)
        skip -= sum(counts[:at])
        return Columns(
            [counts[at] - skip, *counts[at + 1 :]],
            times[at:],
            clients[at:],
            [numbers[at] + skip, *numbers[at + 1 :]],
        )

    def batch_end(self, index: int) -> int:
        """Return the index after the last chunk of the batch that chunk *index* came with."""
        ends: list[int] = list(accumulate(self.columns["counts"], initial=self.first))
        return ends[bisect_right(ends, index)]

    def oldest_after(self, cutoff: int) -> int:
        """Return the index of the first chunk newer than *cutoff*, or the end."""
        return self.first + bisect_right(self.times, cutoff)


def build(first: int, parts: Sequence[tuple[SealedBatch, bytes]]) -> bytes:
    """Return the segment of *parts*, each a batch with its lines; the first chunk has index
    *first*.
    """
    data = b"".join(lines for _, lines in parts)
    lengths = [len(line) + 1 for line in data.split(b"\n")]
    lengths.pop()  # what follows the last newline
    columns = map(list, zip(*(batch for batch, _ in parts), strict=True))
    return _assembled(first, data, lengths, Columns(*columns))


def merged(segments: Sequence[tuple[SegmentIndex, bytes]]) -> bytes:
    """Return one segment of neighbouring *segments*, each an index and its object; of the chunks
    that two of them hold, one stays.

    Whole columns are put together, as there may be 65,536 batches.
    """
    first = at = segments[0][0].first
    data: list[bytes] = []
    lengths: list[int] = []
    batches = Columns([], [], [], [])
    for index, body in segments:
        data.append(body[index.position(at) : index.position(index.end)])
        lengths += index.lengths(at)
        more = index.batches(at)
        batches.counts.extend(more.counts)
        batches.times.extend(more.times)
        batches.clients.extend(more.clients)
        batches.numbers.extend(more.numbers)
        at = index.end
    return _assembled(first, b"".join(data), lengths, batches)


def _assembled(first: int, data: bytes, lengths: list[int], batches: Columns) -> bytes:
    place = {client: at for at, client in enumerate(dict.fromkeys(batches.clients))}
    writers = [place[client] for client in batches.clients]
    columns = (batches.counts, batches.times, writers, batches.numbers)
    index = {
        "format": FORMAT,
        "first": first,
        "lengths": lengths,
        "clients": list(place),
        **dict(zip(_BATCH_COLUMNS, columns, strict=True)),
    }
    packed = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 1)
    return b"".join((data, packed, b"%010d" % len(packed), _MAGIC))


def index_bytes(tail: bytes) -> int:
    """Return how many bytes at a segment's end its index takes, trailer included. Raises
    `ObjectMissing` if damaged.
    """
    if len(tail) < _TRAILER_BYTES or not tail.endswith(_MAGIC):
        raise ObjectMissing("a segment is damaged: its end is not a segment's end")
    return int(tail[-_TRAILER_BYTES : -len(_MAGIC)]) + _TRAILER_BYTES


def parse_index(tail: bytes) -> SegmentIndex:
    """Return the index that *tail*, a segment's last bytes, ends with."""
    size = index_bytes(tail)
    index = json.loads(zlib.decompress(tail[-size:-_TRAILER_BYTES]))
    if index["format"] != FORMAT:
        raise ObjectMissing(
            f"a segment has format {index['format']}; this version reads format {FORMAT}"
        )
    times = chain.from_iterable(map(repeat, index["times"], index["counts"]))
    return SegmentIndex(
        index["first"],
        array("Q", accumulate(index.pop("lengths"))),
        array("Q", times),
        index,
    )


def format_name(name: SegmentName) -> str:
    """Return a segment's object name without its prefix; sorted as text, names are sorted by
    last index.
    """
    return f"{name.last:020d}-{name.first:020d}-{name.time:015d}"


def parse_name(generation: str, text: str, size: int) -> SegmentName:
    """Return what an object name says."""
    last, first, time = text.split("-")
    return SegmentName(generation, int(last), int(first), int(time), size)
