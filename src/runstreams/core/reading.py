"""Reading: consecutive chunks from any index, whether they are sealed in segments or still in their
batches.

A `Cursor` is one reader's place in one stream. It keeps what it has listed and fetched, so that a
replay costs one listing and one request per window of a segment; nothing is skipped in silence.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter

from .commit import check_json
from .errors import Busy, IndexExpired, ObjectMissing, Uncertain
from .forks import strand_of, strands_of
from .leasing import close_lost, is_lost, leased_until
from .limits import KIB, PAGE_BYTES, PAGE_CHUNKS, Limits
from .model import Head, Page, Pointer, SegmentName, StoredChunk, Strand, StreamId
from .ports import Clock, Store
from .position import beyond_tail
from .retention import closed_until, cutoff, is_expired, oldest_pending
from .segment import INDEX_GUESS, SegmentIndex, index_bytes, parse_index
from .superseding import left_out
from .unlisted import Unlisted
from .unsealed import fetched

_INDEXES_KEPT = 16
"""Segment indexes that a process keeps; each is at most about 2 MB, mostly far less."""

NO_POINTERS = 2**63 - 1
"""For a look at a head that needs none of its pointers."""

TRIES = 4
"""How often a page starts over when objects are sealed or merged away under it."""

SMALL = 64 * KIB
"""A segment that is not listed is read if it has fewer bytes; that of what lay in a head has some
two thousand.
"""

CHUNK_OVERHEAD = 100
"""Bytes a chunk takes in a rendered page beside its data: index, id and time."""


@dataclass(slots=True)
class _Window:
    """Part of a segment in memory: the lines of chunks *start* to *end*."""

    index: SegmentIndex
    start: int
    end: int
    data: bytes


class StreamGone(ObjectMissing, internal=True):
    """The stream that is read was deleted or forgotten; *head* is that of the stream that has its
    name now, if there is one.
    """

    def __init__(self, head: Head | None) -> None:
        super().__init__("the stream is gone")
        self.head = head


class Lookup:
    """Reads pages of streams."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self.store = store
        self.limits = limits
        self.clock = clock
        self.unlisted = Unlisted()
        self._indexes: OrderedDict[tuple[StreamId, SegmentName], SegmentIndex] = OrderedDict()

    def cursor(self, stream: StreamId, *, raw: bool = False) -> "Cursor":
        """Return a reader's place in *stream*; a *raw* one takes bytes for JSON as well."""
        return Cursor(self, stream, raw)

    async def head(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        """Return the head of a stream that is not forgotten, with the pointers from *since* on; one
        whose producer is lost is closed by that.
        """
        head = await self.look(stream, strong=strong, since=since)
        if head is None or not is_lost(head, self.clock()):
            return head
        with suppress(Busy, Uncertain):  # then whoever looks next will close it
            # Renewed meanwhile, closed by somebody else, or begun anew: look again.
            return await self.close_lost(stream, head) or await self.look(stream, since=since)
        return head

    async def look(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        """Return the head of a stream that is not forgotten or deleted as it is, whoever may be
        lost.
        """
        head = await self.store.heads.get(stream, strong=strong, since=since)
        if head is None or head.is_buried or is_expired(head, self.clock(), self.limits):
            return None
        self.unlisted.see(stream, head)
        return head

    async def is_buried(self, stream: StreamId) -> bool:
        """Say whether there is a stream that was deleted and is kept for its forks."""
        head = await self.store.heads.get(stream)
        return head is not None and head.is_buried

    async def close_lost(self, stream: StreamId, head: Head) -> Head | None:
        """Close a stream whose producer is lost; None if it is not as *head* says any more."""
        expires = closed_until(head, self.clock(), self.limits)
        return await close_lost(self.store, stream, head, expires)

    async def first_index(self, stream: StreamId, head: Head) -> int:
        """Return the index of the oldest chunk that has not expired, or the tail. Raises
        `StreamGone`, `ObjectMissing`.
        """
        for attempt in range(TRIES):
            try:
                return await self._first_index(stream, head)
            except ObjectMissing:
                # A segment may be merged away between its listing and the look into it.
                head = await self.again(stream, head)
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def again(self, stream: StreamId, head: Head, since: int = 0) -> Head:
        """Return the head as it is now, since something was not where *head* says. Raises
        `StreamGone`.
        """
        fresh = await self.head(stream, since=since)
        if fresh is None or fresh.generation != head.generation:
            raise StreamGone(fresh) from None
        return fresh

    async def _first_index(self, stream: StreamId, head: Head) -> int:
        now = self.clock()
        gone = cutoff(now, self.limits)
        if head.began > gone:
            return 0
        if head.sealed and head.sealed_time > gone:
            return await self._first_sealed(stream, head, gone)
        if head.pending and head.pending[0].first > head.sealed:
            head = await self.head(stream) or head
        pointer = oldest_pending(head, now, self.limits)
        return pointer.first if pointer else head.tail

    async def _first_sealed(self, stream: StreamId, head: Head, gone: int) -> int:
        at = 0
        for strand in strands_of(stream, head):
            if (first := await self._first_of(strand, at, gone)) < strand.end:
                return first
            at = strand.end
        raise ObjectMissing(f"the segment that ends with chunk {head.sealed - 1} is gone")

    async def _first_of(self, strand: Strand, at: int, gone: int) -> int:
        """Return the index of the oldest chunk of *strand* from *at* on that is newer than *gone*,
        or its end.
        """
        while at < strand.end:
            names = await self.store.segments.names(strand.stream, strand.generation, at)
            if not names:
                break
            for name in names:
                if name.time > gone:
                    return max((await self.index(strand.stream, name)).oldest_after(gone), at)
            at = names[-1].last + 1
        return strand.end

    async def index(self, stream: StreamId, name: SegmentName) -> SegmentIndex:
        """Return the index of a segment, fetched once a process."""
        known = self._indexes.get((stream, name))
        if known is not None:
            self._indexes.move_to_end((stream, name))
            return known
        start = max(name.size - INDEX_GUESS, 0)
        tail = await self.store.segments.get(stream, name, start, name.size)
        missing = index_bytes(tail) - len(tail)
        if missing > 0:
            tail = await self.store.segments.get(stream, name, start - missing, start) + tail
        return self.keep(stream, name, parse_index(tail))

    def keep(self, stream: StreamId, name: SegmentName, index: SegmentIndex) -> SegmentIndex:
        """Remember a segment's index."""
        self._indexes[stream, name] = index
        if len(self._indexes) > _INDEXES_KEPT:
            self._indexes.popitem(last=False)
        return index


class Cursor:
    """One reader's place in one stream."""

    def __init__(self, reader: Lookup, stream: StreamId, raw: bool = False) -> None:
        self.raw = raw
        """Whether it takes bytes for JSON as well."""
        self._lookup = reader
        self._store = reader.store
        self.stream = stream
        self._generation: str | None = None
        self._names: list[SegmentName] = []
        self._listed: Strand | None = None
        self._window: _Window | None = None
        self._next = 0

    @property
    def has_more_at_hand(self) -> bool:
        """Whether what follows the last page is in memory already."""
        return self._window is not None and self._next < self._window.end

    def let_go(self) -> None:
        """Keep nothing in memory that only the next page needs."""
        self._window = None

    async def page(
        self,
        head: Head,
        start: int,
        *,
        exact: bool = True,
        most: int = PAGE_CHUNKS,
        size: int = PAGE_BYTES,
    ) -> Page:
        """Return up to *most* chunks and about *size* rendered bytes from *start* on, at least one
        if there is one.

        *head* was read with pointers from *start* on. When *start* has expired, *exact* raises
        `IndexExpired`; otherwise the page begins with the oldest chunk left. Raises
        `IndexBeyondTail`, `StreamGone`, `ObjectMissing`.
        """
        if not self.raw:
            check_json(head)
        for attempt in range(TRIES):
            try:
                return await self._page(head, start, exact, most, size, attempt == TRIES - 1)
            except ObjectMissing:
                # Sealed, merged or deleted since we looked: look again, once more each time.
                self._forget()
                head = await self._lookup.again(self.stream, head, start)
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def _page(
        self, head: Head, start: int, exact: bool, most: int, size: int, is_last: bool
    ) -> Page:
        if start > head.tail:
            raise beyond_tail(start, head.tail)
        if self._generation != head.generation:
            self._forget()  # a stream begun anew has nothing of what was listed and fetched before
            self._generation = head.generation
        _check_pointers(head, start)
        if await self._expired(head, start):
            first = await self._lookup.first_index(self.stream, head)
            if first <= start:
                # Older chunks are still there, so this one has not expired: it is lost.
                raise ObjectMissing(f"the segment that holds chunk {start} is missing")
            if exact:
                raise IndexExpired(
                    f"chunk {start} has expired; the oldest left is {first}", first_index=first
                )
            start = first
        chunks: list[StoredChunk] = []
        room = size
        while (index := start + len(chunks)) < head.tail and len(chunks) < most:
            # A head that was put back to how it once was does not know what was sealed since.
            more = self._sealed if index < head.sealed or is_last else self._unsealed
            try:
                got = await more(head, index, most - len(chunks), room)
            except ObjectMissing:
                if not chunks:
                    raise
                break  # the next page looks again, so that there is progress however often it is so
            cost = sum(len(chunk.data) + CHUNK_OVERHEAD for chunk in got)
            if chunks and cost > room:
                break  # only a page's first chunk may be larger than a page
            chunks += got
            room -= cost
        self._next = end = start + len(chunks)
        return Page(
            tuple(chunks),
            end,
            head.tail,
            head.generation,
            head.closed if end == head.tail else None,
            leased_until(head),
            left_out(head),
        )

    async def _expired(self, head: Head, start: int) -> bool:
        gone = cutoff(self._lookup.clock(), self._lookup.limits)
        if head.began > gone or start == head.tail:
            return False
        if start >= head.sealed:
            return next(pointer.time for pointer in head.pending if pointer.end > start) <= gone
        if head.sealed_time <= gone:
            return True
        strand = strand_of(self.stream, head, start)
        name = await self._segment(strand, start)
        if name is None or name.time <= gone:
            return True
        index = await self._lookup.index(strand.stream, name)
        return index.oldest_after(gone) > start

    async def batch_end(self, head: Head, start: int) -> int:
        """Return the index after the last chunk of the batch that the sealed chunk *start* came
        with. Raises `ObjectMissing`.
        """
        strand = strand_of(self.stream, head, start)
        name = await self._segment(strand, start)
        if name is None:
            raise ObjectMissing(f"the segment that holds chunk {start} is missing")
        index = await self._lookup.index(strand.stream, name)
        return min(index.batch_end(start), strand.end)

    async def _sealed(self, head: Head, start: int, most: int, size: int) -> list[StoredChunk]:
        window = await self._load(head, start)
        # A segment may hold chunks that are newer than *head*.
        most = min(most, head.tail - start)
        end = min(window.index.reach(start, size, CHUNK_OVERHEAD), window.end, start + most)
        index = window.index
        offset = index.position(window.start)
        # A view of the window, so that chunks before *start* are not copied.
        data = window.data[index.position(start) - offset : index.position(end) - offset]
        return index.chunks(data, start, end)

    async def _load(self, head: Head, start: int) -> _Window:
        """Return a window with chunk *start*, fetching it if the last one does not hold it."""
        if self._window and self._window.start <= start < self._window.end:
            return self._window
        self._window = None
        strand = strand_of(self.stream, head, start)
        window = await self._unlisted(strand, start)
        if window is None:
            name = await self._segment(strand, start)
            if name is None:
                raise ObjectMissing(f"the segment that holds chunk {start} is missing")
            window = await self._fetch(strand.stream, name, start)
        window.end = min(window.end, strand.end)  # what follows is not of this stream
        self._window = window
        return window

    async def _unlisted(self, strand: Strand, start: int) -> _Window | None:
        """Return the whole of a small segment with chunk *start* whose name is known without a
        listing.
        """
        stream, unlisted = strand.stream, self._lookup.unlisted
        name = unlisted.holding(stream, strand.generation, start)
        if name is None or (self._listed == strand and self._named(start)):
            return None
        try:
            body = await self._store.segments.get(stream, name, 0, SMALL)
        except ObjectMissing:
            body = b""
        if not 0 < len(body) < SMALL:
            unlisted.refuse(stream, name)
            return None
        index = self._lookup.keep(stream, name, parse_index(body))
        return _Window(index, name.first, index.end, body[: index.position(index.end)])

    async def _fetch(self, stream: StreamId, name: SegmentName, start: int) -> _Window:
        segments, reach = self._store.segments, self._store.window
        if start == name.first and name.size <= reach + INDEX_GUESS:
            # The whole object in one request; its index comes with it.
            body = await segments.get(stream, name, 0, name.size)
            index = self._lookup.keep(stream, name, parse_index(body))
            return _Window(index, start, index.end, body[: index.position(index.end)])
        index = await self._lookup.index(stream, name)
        end = index.reach(start, reach)
        data = await segments.get(stream, name, index.position(start), index.position(end))
        return _Window(index, start, end, data)

    async def _segment(self, strand: Strand, start: int) -> SegmentName | None:
        """Return the segment that holds chunk *start*; None when the first one after it begins
        later.

        Of several, the one that reaches furthest: small ones stand beside the large one they were
        merged into.
        """
        for fresh in (False, True):
            if fresh or self._listed != strand:
                stream, generation, _ = strand
                self._names = await self._store.segments.names(stream, generation, start)
                self._listed = strand
            if holding := self._named(start):
                return max(holding)
        return None

    def _named(self, start: int) -> list[SegmentName]:
        """Return the segments with chunk *start* that the last listing had."""
        return [name for name in self._names if name.first <= start <= name.last]

    async def _unsealed(self, head: Head, start: int, most: int, size: int) -> list[StoredChunk]:
        """Return chunks of unsealed batches; at least one, whatever its size."""
        self._window = None
        chosen = list(_fitting(head.pending, start, most, size))
        stored = await fetched(self._store.batches, self.stream, chosen)
        chunks: list[StoredChunk] = []
        for pointer, batch in zip(chosen, stored, strict=True):
            for chunk in _lines(pointer, batch.lines, start):
                size -= len(chunk.data) + CHUNK_OVERHEAD
                if chunks and (size < 0 or len(chunks) == most):
                    return chunks
                chunks.append(chunk)
        return chunks

    def _forget(self) -> None:
        self._listed = None
        self._window = None


def _check_pointers(head: Head, start: int) -> None:
    """Raise `ObjectMissing` unless *head* has the pointers of a page that begins at *start*.

    A head that woke a reader holds the newest batches; a slow reader may need older ones as well.
    """
    needed = max(start, head.sealed)
    if needed < head.tail and (not head.pending or head.pending[0].first > needed):
        raise ObjectMissing(f"the head was read without the batch of chunk {needed}")


def _lines(pointer: Pointer, lines: bytes, start: int) -> Iterator[StoredChunk]:
    """Yield a batch's chunks from index *start* on."""
    skip = max(start - pointer.first, 0)
    kept = lines.split(b"\n")[pointer.skip + skip : pointer.skip + pointer.count]
    for index, line in enumerate(kept, pointer.first + skip):
        yield StoredChunk(index, pointer.time, line)


_END = attrgetter("end")


def _fitting(pending: tuple[Pointer, ...], start: int, most: int, size: int) -> Iterator[Pointer]:
    """Yield the batches to fetch for a page; the last one may hold more than fits."""
    for at in range(bisect_right(pending, start, key=_END), len(pending)):
        pointer = pending[at]
        yield pointer
        size -= pointer.size + CHUNK_OVERHEAD * pointer.count
        most -= pointer.end - max(pointer.first, start)
        if size <= 0 or most <= 0:
            return
