"""Forking: a new stream that begins with the chunks of another, and copies none of them.

What a fork has of its source is sealed first, so that it lies in segments, which the fork's head
names: whatever becomes of the source's own head, they are found. Only where a fork parts from its
source within a chunk of bytes, the beginning of that chunk becomes its own first one.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from .entries import (
    AgreedDifferently,
    ContentTypeDiffers,
    Entry,
    check_ends,
    content_type_of,
)
from .entry_writer import EntryWriter
from .errors import (
    Busy,
    IndexExpired,
    InvalidRequest,
    NotThere,
    ObjectMissing,
    Refused,
    Uncertain,
)
from .forks import STRANDS, SourceGone, inherited
from .model import Charter, Fork, Head, Page, StreamId, kind_of
from .octets import stuffed, unstuffed
from .ports import Clock, Opened
from .reading import NO_POINTERS, Cursor, Lookup
from .retention import cutoff
from .sealing import Sealer
from .superseding import superseded_before

ATTEMPTS = 8
"""How often a fork looks again: its source, or its own name, may change meanwhile."""

SEALS = 32
"""How often it seals: some rounds are lost to other sealers, and each takes what fits."""


First = Callable[[str], Awaitable[Entry]]
"""Makes a fork's first entry, for the content type that the fork turns out to have."""


class ForkedTooDeep(Refused, internal=True):
    """The stream has chunks of as many others as one may have."""

    code = "forked_too_deep"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a fork is asked to be. What is None is as its source has it."""

    source: StreamId
    anchor: int | None = None
    """From which index on it goes its own way; None: from the source's tail."""
    beyond: int = 0
    """How many chunks, or bytes of the next ones, it keeps beyond that: of one batch at most."""
    content_type: str | None = None
    ttl_ms: int | None = None
    expires_at: int | None = None

    @property
    def is_mortal(self) -> bool:
        """Whether it asks for a lifetime of its own."""
        return self.ttl_ms is not None or self.expires_at is not None


class Forker:
    """Makes forks."""

    def __init__(
        self,
        clock: Clock,
        lookup: Lookup,
        entries: EntryWriter,
        sealer: Sealer,
    ) -> None:
        """Seal with *sealer* and open with *entries*."""
        self._clock = clock
        self._lookup = lookup
        self._entries = entries
        self._sealer = sealer

    async def fork(self, stream: StreamId, wish: Wish, first: First) -> tuple[Head, bool]:
        """Open *stream* as a fork, with the chunks of its *first* entry, which is made for a
        content type; return its head, and whether this opened it.

        Raises `NotThere`, `AgreedDifferently`, `ContentTypeDiffers`, `InvalidRequest`,
        `IndexExpired`, `ForkedTooDeep`, and what opening a stream raises.
        """
        for _ in range(ATTEMPTS):
            if (head := await self._lookup.head(stream, since=NO_POINTERS)) is not None:
                _check_same(head, wish, await first(content_type_of(head)))
                return head, False
            # The next look will tell.
            with suppress(Uncertain, SourceGone, ObjectMissing):
                opened = await self._make(stream, wish, first)
                if opened.done:
                    return opened.head, True
        raise Busy("the stream or its source changes faster than it can be forked", retry_after=1)

    async def _make(self, stream: StreamId, wish: Wish, first: First) -> Opened:
        source = await self._source(wish)
        charter = _charter(source, wish)
        entry = await first(content_type_of(source))
        anchor = source.tail if wish.anchor is None else wish.anchor
        if anchor > source.tail or (wish.beyond and anchor == source.tail):
            raise InvalidRequest("a stream cannot be forked beyond its tail")
        source = await self._sealed(wish.source, source, anchor + bool(wish.beyond))
        cursor = self._lookup.cursor(wish.source, raw=True)
        end, rest = await _parting(cursor, source, anchor, wish.beyond)
        fork = Fork(
            wish.source,
            source.generation,
            anchor,
            wish.beyond,
            source.began if end else self._clock(),
            await self._time_before(cursor, source, end),
            inherited(wish.source, source, end),
            superseded_before(source, end),
        )
        if len(fork.strands) > STRANDS:
            raise ForkedTooDeep(f"a stream may have chunks of {STRANDS} others")
        return await self._entries.begin(stream, charter, _after(rest, entry), fork)

    async def _time_before(self, cursor: Cursor, source: Head, end: int) -> int:
        """Return the effective time of the last chunk before *end*; 0 where it has expired."""
        if not end:
            return 0
        if end == source.sealed:
            gone = cutoff(self._clock(), self._lookup.limits)
            return source.sealed_time if source.sealed_time > gone else 0
        try:
            page = await cursor.page(source, end - 1, most=1)
        except IndexExpired:
            return 0
        return page.chunks[0].timestamp

    async def _source(self, wish: Wish) -> Head:
        if (head := await self._lookup.head(wish.source)) is not None:
            return head
        if await self._lookup.is_buried(wish.source):
            raise AgreedDifferently("the stream to fork from was deleted")
        raise NotThere("there is no stream to fork from")

    async def _sealed(self, stream: StreamId, seen: Head, upto: int) -> Head:
        """Return the head of the stream *seen*, once all its chunks before *upto* are sealed."""
        for _ in range(SEALS):
            if seen.sealed >= upto:
                return seen
            await self._sealer.seal(stream)
            seen = await self._lookup.again(stream, seen, upto)
        raise Busy("what the fork begins with is not sealed yet; try again", retry_after=1)


def _charter(source: Head, wish: Wish) -> Charter | None:
    """Return what is agreed of a fork. Raises `ContentTypeDiffers`."""
    there = content_type_of(source)
    if wish.content_type is not None and kind_of(wish.content_type) != kind_of(there):
        raise ContentTypeDiffers(f"the stream to fork from is of {there}", content_type=there)
    if not wish.is_mortal:
        return source.charter
    charter = source.charter or Charter()
    return replace(charter, ttl_ms=wish.ttl_ms, expires_at=wish.expires_at)


def _check_same(head: Head, wish: Wish, first: Entry) -> None:
    """Raise `AgreedDifferently` unless *head* is the fork that is asked for."""
    fork, charter = head.fork, head.charter or Charter()
    if fork is None or (fork.source, fork.beyond) != (wish.source, wish.beyond):
        raise AgreedDifferently("the stream is another one, or forked from elsewhere")
    if wish.anchor not in (None, fork.anchor):
        raise AgreedDifferently(f"the stream was forked at index {fork.anchor}")
    if kind_of(wish.content_type or charter.content_type) != kind_of(charter.content_type):
        raise AgreedDifferently(f"the stream is of {charter.content_type}")
    times = (wish.ttl_ms, wish.expires_at)
    if wish.is_mortal and times != (charter.ttl_ms, charter.expires_at):
        raise AgreedDifferently("the stream was forked with another lifetime")
    check_ends(head, first)


async def _parting(cursor: Cursor, source: Head, anchor: int, beyond: int) -> tuple[int, bytes]:
    """Return the index from which on a fork goes its own way that keeps *beyond* chunks, or bytes,
    of the batch at *anchor*; and the bytes that it keeps of the chunk there. Raises
    `InvalidRequest`, `IndexExpired`.
    """
    if not beyond:
        return anchor, b""
    page = await cursor.page(source, anchor)  # tells whether it has expired
    limit = await cursor.batch_end(source, anchor)
    if not source.is_json:
        return await _parting_in_bytes(cursor, source, page, limit, beyond)
    if anchor + beyond > limit:
        raise _beyond_batch()
    return anchor + beyond, b""


async def _parting_in_bytes(
    cursor: Cursor, source: Head, page: Page, limit: int, left: int
) -> tuple[int, bytes]:
    """Do the same for the *left* bytes from *page* on, in a batch that ends at *limit*."""
    while True:
        for chunk in page.chunks:
            if chunk.index == limit:
                break
            piece = unstuffed([chunk.data])
            if left < len(piece):
                return chunk.index, piece[:left]
            left -= len(piece)
        if page.next_index >= limit:
            break
        page = await cursor.page(source, page.next_index)
    if left:
        raise _beyond_batch()
    return limit, b""


def _beyond_batch() -> InvalidRequest:
    return InvalidRequest("the fork would part from its source beyond the batch at its offset")


def _after(rest: bytes, entry: Entry) -> Entry:
    """Return *entry* with the *rest* of a chunk before its own."""
    chunks = stuffed(rest)
    lines = b"".join(chunk + b"\n" for chunk in chunks)
    return replace(entry, lines=lines + entry.lines, count=len(chunks) + entry.count)
