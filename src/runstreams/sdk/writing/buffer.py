"""The chunks of one writer that are not acknowledged yet, and when the next batch of them leaves.

The first chunk leaves at once. The next batch gathers while one is under way, and after it for the
linger, unless it is full before. The linger is counted from when the batch before it left, not from
its own chunks, so that nothing that is written can put it off.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from ...core.limits import KIB, MIB
from ...core.public import public

NOW = float("-inf")
"""Due already."""


@public
@dataclass(frozen=True, slots=True)
class Batching:
    """How chunks are gathered into batches, and how many may wait."""

    linger: float | None = None
    """Longest time from one batch to the next that is not full, in seconds; None: as the server
    advises, and 0.1 unless it does.

    Where appends are quick and nothing is advised, it is less: see `_ROUND_TRIPS`.
    """
    chunks: int = 1000
    """Most chunks of a batch; the server commits so many at once."""
    size: int = 512 * KIB
    """Most bytes of a batch, unless a single chunk is larger."""
    unsent_chunks: int = 10_000
    """So many unsent chunks make a writer wait."""
    unsent_size: int = 8 * MIB
    """So many unsent bytes make a writer wait."""


_LINGER = 0.1
"""The linger where neither the user nor the server has a word on it, in seconds."""

_ROUND_TRIPS = 3
"""The linger is at most so many times what an append takes.

So a writer keeps its server busy a quarter of the time at most: a server on the same machine
answers in 3 ms, and lingering there for 100 would only make its readers wait. In AWS each append is
paid for, however quick it is, and so the server advises.
"""

_SMOOTHING = 0.3
"""How much the latest append counts in the estimate of what one takes."""


class InFlight(NamedTuple):
    """A batch under way: the writer's own number of its first chunk, how many there are, and their
    lines; and from which index of the stream on those before no longer count.
    """

    number: int
    size: int
    body: bytes
    supersedes: int | None = None


class Buffer:
    """The chunks of one writer, from when they are written until they are acknowledged."""

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._number = 0
        self._in_flight: InFlight | None = None
        self._left: float | None = None
        self._has_arrived = False
        self._round_trip: float | None = None
        """What an append takes, about; None until the second has arrived: the first opens the
        connection and the stream as well, and the one after it does not linger.
        """
        self._advised: float | None = None
        self._urgent = 0
        self._supersedes: dict[int, int] = {}
        """What chunks say of those before, by their numbers: each begins a batch."""

    @property
    def unsent(self) -> int:
        """How many chunks are not acknowledged."""
        return len(self._lines) + (self._in_flight.size if self._in_flight else 0)

    @property
    def unsent_size(self) -> int:
        """How many bytes are not acknowledged."""
        return self._size + (len(self._in_flight.body) if self._in_flight else 0)

    @property
    def written(self) -> int:
        """How many chunks have been put in."""
        return self.acknowledged + self.unsent

    @property
    def acknowledged(self) -> int:
        """How many chunks the server has."""
        return self._number - (self._in_flight.size if self._in_flight else 0)

    @property
    def is_waiting(self) -> bool:
        """Whether there are chunks beside the batch under way."""
        return bool(self._lines)

    @property
    def is_full(self) -> bool:
        """Whether whoever writes should wait."""
        batching = self._batching
        return self.unsent >= batching.unsent_chunks or self.unsent_size >= batching.unsent_size

    @property
    def is_batch_full(self) -> bool:
        """Whether the next batch gains nothing by waiting."""
        batching = self._batching
        return len(self._lines) >= batching.chunks or self._size >= batching.size

    def put(self, line: bytes) -> None:
        """Take in a chunk, its newline included."""
        self._lines.append(line)
        self._size += len(line)

    def supersede(self, start: int) -> None:
        """Let the next chunk say that those of the stream from index *start* on do not count."""
        known = self._supersedes.get(self.written, start)
        self._supersedes[self.written] = min(known, start)

    def hurry(self) -> None:
        """Let what has been written until now leave without lingering."""
        self._urgent = self.written

    def due(self) -> float | None:
        """Return when the next batch may leave; None when there is none, or one is under way."""
        if self._in_flight is not None or not self._lines:
            return None
        if self._left is None or self.is_batch_full or self._urgent > self._number:
            return NOW
        return self._left + self._linger

    @property
    def _linger(self) -> float:
        wanted = self._batching.linger
        if wanted is None and self._advised is not None:
            return self._advised
        longest = _LINGER if wanted is None else wanted
        return min(longest, _ROUND_TRIPS * (self._round_trip or 0))

    def take(self, now: float) -> InFlight:
        """Return the next batch, which leaves *now*; it stays under way until `arrived`."""
        lines, size = [self._lines.popleft()], 0
        size = len(lines[0])
        while self._lines and len(lines) < self._batching.chunks:
            if size + len(self._lines[0]) > self._batching.size:
                break
            if self._number + len(lines) in self._supersedes:
                break
            line = self._lines.popleft()
            lines.append(line)
            size += len(line)
        self._size -= size
        supersedes = self._supersedes.pop(self._number, None)
        self._in_flight = InFlight(self._number, len(lines), b"".join(lines), supersedes)
        self._number += len(lines)
        self._left = now
        return self._in_flight

    def arrived(self, seconds: float, linger: float | None = None) -> None:
        """Forget the batch under way: the server has it. Its append took *seconds*, and the next
        one is advised to leave after *linger*.
        """
        self._in_flight = None
        self._advised = linger
        if self._has_arrived:
            known = seconds if self._round_trip is None else self._round_trip
            self._round_trip = known + _SMOOTHING * (seconds - known)
        self._has_arrived = True
