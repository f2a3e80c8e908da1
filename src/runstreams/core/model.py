"""The words of the domain as values: stream, chunk, batch, head, segment, page."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from .public import public

Status = Literal["completed", "failed", "canceled"]

RunStatus = Literal["running", "completed", "failed", "canceled", "lost"]

JSON_TYPE = "application/json"

UnixMs = int
"""A moment, in milliseconds since 1970."""

TAIL: Literal["tail"] = "tail"
"""Where a reader begins who wants only what comes."""

Start = int | Literal["tail"]
"""Where a reader begins: at an index, or at what comes next."""

PRODUCER_LOST = "producer_lost"
"""Code of a stream that was closed because nothing was heard of its producer."""

DELETED = "deleted"
"""Code of a stream that was deleted, and is kept for the streams that were forked from it."""

FORMAT = 1
"""Version of everything stored: heads, pointers, segments. Written from the first one on; what
was added since may be missing. The SQLite file has a version of its own.
"""


class StreamId(NamedTuple):
    """A stream's name."""

    run: str
    key: str


BATCH_OVERHEAD = 32
"""What stands in a pointer around a batch that lies in it: numbers, and what divides them."""


class StoredChunk(NamedTuple):
    """One JSON value of a stream. A named tuple, since a replay makes a hundred thousand of them
    a second.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    timestamp: UnixMs
    """Effective time of the append; never below the chunk's before."""
    data: bytes
    """The value as the writer encoded it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The chunks of one append, not yet indexed.

    *lines* are JSON values, each ended by a newline. *number* is the client's own number of the
    first chunk.
    """

    lines: bytes
    count: int
    time: UnixMs
    """By the appending machine's clock."""
    client: str | None = None
    number: int = 0
    once: str | None = None
    """Short hash of a one-shot append's idempotency key."""
    lease_ms: int = 0
    """How long its client promises to be heard of again after *time*; 0: it promises nothing."""
    fence: int | None = None
    """How often the stream had been taken over when its writer began; None: that is the same to it.
    """
    supersedes: int | None = None
    """From which index on the chunks before its own no longer count; None: all do."""

    @property
    def size(self) -> int:
        """Bytes that count against the stream's limit: the chunks without their newlines."""
        return len(self.lines) - self.count

    def rest(self, skip: int) -> "Batch":
        """Return the batch without its first *skip* chunks, and what it superseded with them."""
        if not skip:
            return self
        lines, number = self.lines.split(b"\n", skip)[skip], self.number + skip
        return replace(self, lines=lines, count=self.count - skip, number=number, supersedes=None)


class StoredBatch(NamedTuple):
    """An unsealed batch as it was put; of its *lines* a pointer may skip some."""

    lines: bytes
    client: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """A committed batch that is not sealed yet: where it is, and which of the stream's chunks it
    holds.
    """

    object: str
    """Its fresh name; a short one where it lies in its pointer, which tells it from a resend."""
    skip: int
    """Chunks at the object's beginning that an earlier batch of the same client already held."""
    count: int
    size: int
    time: UnixMs
    """Effective: the running maximum along the stream, so that clocks that differ never reorder
    time.
    """
    first: int
    """Index of its first chunk."""
    batch: StoredBatch | None = None
    """The batch itself, where it lies in its pointer: then there is no object."""

    @property
    def weight(self) -> int:
        """Bytes that it adds to what lies in its head's pointers."""
        return 0 if self.batch is None else weight(self.batch)

    @property
    def end(self) -> int:
        """Index after its last chunk."""
        return self.first + self.count


def weight(batch: StoredBatch) -> int:
    """Return about how many bytes *batch* takes where it lies in its pointer."""
    return BATCH_OVERHEAD + len((batch.client or "").encode()) + len(batch.lines)


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a client has come: its own number of its last chunk, and that chunk's index."""

    number: int
    index: int


@public
@dataclass(frozen=True, slots=True)
class Closed:
    """How a stream ended."""

    status: Status
    error: str | None = None
    """Why, in the words of whoever closed it."""
    code: str | None = None
    """For programs: `producer_lost` where nothing was heard of the producer, or None."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A producer's promise to be heard of in time."""

    until: UnixMs
    ms: int
    """How long any sign of life counts."""
    holder: str
    """The client that promised last: it alone can take the promise back."""


class Fence(NamedTuple):
    """What keeps out whoever wrote before the stream was taken over."""

    number: int
    """How often it was: writers who have seen fewer are refused."""
    since: int
    """The tail when it last was."""


class Span(NamedTuple):
    """Consecutive chunks, from *start* up to *end*, which is not among them."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Charter:
    """What was agreed of a stream when it was created; it never changes."""

    content_type: str = JSON_TYPE
    ttl_ms: int | None = None
    """How long after its last use, a read or a write, it is forgotten."""
    expires_at: UnixMs | None = None
    """When it is forgotten, however it is used."""
    trace: str | None = None
    """The trace of who created it, as `traceparent` says it; None: it is not known."""

    @property
    def is_json(self) -> bool:
        """Whether its chunks are JSON values; else they are bytes, as `octets` stores them."""
        return kind_of(self.content_type) == JSON_TYPE

    @property
    def is_mortal(self) -> bool:
        """Whether it has a lifetime of its own."""
        return self.ttl_ms is not None or self.expires_at is not None

    def ends_at(self, now: UnixMs) -> UnixMs | None:
        """Return when it is forgotten if it is used *now*; None: as all others."""
        return now + self.ttl_ms if self.ttl_ms is not None else self.expires_at

    @property
    def guards(self) -> bool:
        """Whether a write must heed it."""
        return self.is_mortal or not self.is_json


def kind_of(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


class Strand(NamedTuple):
    """Chunks that lie in the segments of one generation of a stream, up to index *end*."""

    stream: StreamId
    generation: str
    end: int


@dataclass(frozen=True, slots=True)
class Fork:
    """Where the chunks lie that a stream has of others."""

    source: StreamId
    """The stream that it was forked from."""
    generation: str
    """That stream's."""
    anchor: int
    """The index from which on it was asked to go its own way."""
    beyond: int
    """How many chunks, or bytes of the next ones, it was asked to keep beyond that."""
    began: UnixMs
    """When the oldest of the streams was opened that it has chunks of."""
    time: UnixMs
    """Effective time of the last of those chunks; 0 where it has expired."""
    strands: tuple[Strand, ...] = ()
    """Where they lie, the first ones first: each goes on where the one before ends."""
    superseded: tuple[Span, ...] = ()
    """Which of them did not count any more when it was forked."""

    @property
    def end(self) -> int:
        """Index of the first chunk of its own."""
        return self.strands[-1].end if self.strands else 0


class ForkRef(NamedTuple):
    """A stream that was forked from another."""

    stream: StreamId
    generation: str
    expires: UnixMs
    """When all that it has of the other is beyond the retention, so that it needs nothing of it."""


class Turn(NamedTuple):
    """One request of a producer: in which of its lives, and which of that life's requests."""

    producer: str
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Book:
    """How far whoever writes entries has come."""

    order: str | None = None
    """The last entry's place in its writers' own order."""
    turns: tuple[Turn, ...] = ()
    """The last turn of each of the latest producers; who wrote last stands last."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a write changes of a stream beside its chunks, and what must still be as it was seen."""

    generation: str
    """Which stream it is: so its charter is as seen."""
    expires: UnixMs
    """When the stream is forgotten from now on."""
    seen: Book | None = None
    """The book must still be this, if it changes."""
    book: Book | None = None
    """What the book becomes."""
    closed: Closed | None = None
    """How the stream, which must be open, ends by it."""

    @property
    def writes_book(self) -> bool:
        """Whether the book changes."""
        return self.book != self.seen


@dataclass(frozen=True, slots=True)
class Head:
    """The state of one stream."""

    generation: str
    """Minted when the stream is opened; part of its segments' names, so that a name used again
    never meets them.
    """
    created: UnixMs
    expires: UnixMs
    """When the stream is forgotten, by the clock of its last writer."""
    tail: int = 0
    sealed: int = 0
    """Index of the first chunk that is not in a segment yet."""
    sealed_time: UnixMs = 0
    """Effective time of the last sealed chunk."""
    size: int = 0
    """Bytes ever appended."""
    appended: UnixMs | None = None
    """Time of the last append."""
    unsealed: int = 0
    """How many batches are not sealed."""
    pending: tuple[Pointer, ...] = ()
    """The unsealed batches, oldest first; a store may leave out those before the index that was
    asked for.
    """
    clients: Mapping[str, Sent] = field(default_factory=dict)
    """The latest clients, found by their ids. A store may give only those that were asked for, and
    may tell which there are by names of its own, under which it spills and forgets them.
    """
    once: Mapping[str, int] = field(default_factory=dict)
    """Indexes of the latest one-shot appends."""
    spills: int = 0
    """How often clients moved out of the head into items of their own."""
    closed: Closed | None = None
    closed_by_run: bool = False
    """Whether it was closed because its run was completed."""
    stop: bool = False
    """Whether somebody asked the producer to stop."""
    appended_before: UnixMs | None = None
    """Time of the append before the last one: tells when the run's own record is due for a
    longer life.
    """
    lease: Lease | None = None
    """The furthest promise of a producer; None: nobody has promised anything."""
    charter: Charter | None = None
    """What was agreed when it was created; None: it was opened by its first use, for JSON."""
    book: Book | None = None
    """How far whoever writes entries has come; None: nobody does."""
    inlined: int | None = None
    """Bytes that lie in its pointers, as `weight` counts them; None: no batch may lie there."""
    fork: Fork | None = None
    """What it has of other streams; None: it was not forked from any."""
    forks: int = 0
    """How often streams were forked from it."""
    fence: Fence | None = None
    """What keeps earlier writers out; None: it was never taken over."""
    superseded: tuple[Span, ...] = ()
    """Which chunks no longer count, as `superseding` has it."""

    def knowing(self, clients: Mapping[str, Sent], once: Mapping[str, int]) -> "Head":
        """Return the head with these writers. Spelled out, as `replace` takes three times as long
        and each append needs it.
        """
        return Head(
            self.generation,
            self.created,
            self.expires,
            self.tail,
            self.sealed,
            self.sealed_time,
            self.size,
            self.appended,
            self.unsealed,
            self.pending,
            clients,
            once,
            self.spills,
            self.closed,
            self.closed_by_run,
            self.stop,
            self.appended_before,
            self.lease,
            self.charter,
            self.book,
            self.inlined,
            self.fork,
            self.forks,
            self.fence,
            self.superseded,
        )

    @property
    def began(self) -> UnixMs:
        """When the first stream was opened that it has chunks of."""
        return self.created if self.fork is None else self.fork.began

    @property
    def is_buried(self) -> bool:
        """Whether it was deleted, and is kept for its forks."""
        return self.closed is not None and self.closed.code == DELETED

    @property
    def is_json(self) -> bool:
        """Whether its chunks are JSON values."""
        return self.charter is None or self.charter.is_json

    @property
    def last_time(self) -> UnixMs:
        """Effective time of the newest chunk, or of the opening."""
        return self.pending[-1].time if self.pending else max(self.sealed_time, self.created)


class SegmentName(NamedTuple):
    """What a segment's name says: the chunks it holds and the effective time of the last."""

    generation: str
    last: int
    first: int
    time: UnixMs
    size: int = 0
    """Bytes of the whole object, when a listing has told them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is kept of a run."""

    id: str
    created: UnixMs
    expires: UnixMs
    parent: str | None = None
    root: str | None = None
    completed: UnixMs | None = None
    status: Status | None = None
    """How it was completed."""
    error: str | None = None
    lease: Lease | None = None
    """The furthest promise of its producer; None: nobody has promised anything."""
    streams: int = 0
    """Streams that it has opened since *counted*."""
    counted: UnixMs = 0
    """Since when its streams are counted; 0: none was."""


@public
@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run, as users ask for it."""

    id: str
    created: UnixMs
    expires: UnixMs
    """When the run is forgotten."""
    parent: str | None = None
    root: str | None = None
    completed: UnixMs | None = None
    status: RunStatus = "running"
    """How it was completed, or whether its producer keeps what it has promised."""
    error: str | None = None
    """Why, in the words of whoever completed it."""
    leased_until: UnixMs | None = None
    """Until when its producer has promised to be heard of; None: nobody has."""


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first, and how to ask for those after them."""

    runs: list[RunInfo]
    next: str | None


@public
@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The state of a stream, as users ask for it."""

    run: str
    key: str
    first_index: int
    """The oldest chunk left, or the tail."""
    tail: int
    """The index that the next chunk will get."""
    bytes: int
    """Everything ever appended."""
    created: UnixMs
    updated: UnixMs
    """Time of the last append, or else of the opening."""
    last_append: UnixMs | None
    expires: UnixMs
    """When the stream is forgotten."""
    closed: Closed | None
    stop: bool
    """Whether somebody asked the producer to stop."""
    writers: int
    """Clients that have written, counted up to `WRITERS_COUNTED`."""
    leased_until: UnixMs | None = None
    """Until when its producer has promised to be heard of; None: nobody has."""
    traceparent: str | None = None
    """The trace of who opened it, in W3C's words; None: it was not traced."""
    fence: int = 0
    """How often it was taken over."""
    superseded: tuple[Span, ...] = ()
    """Which of its chunks no longer count."""


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Some streams of a run, by key, and how to ask for those after them."""

    streams: list[StreamInfo]
    next: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive chunks, and where to continue."""

    chunks: tuple[StoredChunk, ...]
    next_index: int
    tail: int
    generation: str
    closed: Closed | None = None
    """Set only when the page reaches the end of a closed stream."""
    leased_until: UnixMs | None = None
    """Until when a producer has promised to be heard of; None: nobody has."""
    superseded: tuple[Span, ...] = ()
    """Which chunks of the stream no longer count, on whatever page they are."""
    renderings: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)
    """The page as bytes, by media type: a hundred readers of one stream are sent the same ones."""


class Appended(NamedTuple):
    """The answer to an append, of one batch or of several."""

    first: int | None
    """Index of the first chunk that this request added; None when it added none."""
    last: int | None
    """Index of the last chunk; None where there was none, and for an old resend, of which only the
    client's later chunks are known.
    """
    tail: int
    stop: bool
    duplicate: bool = False
    leased_until: UnixMs | None = None
    """Until when a producer has promised to be heard of; None: nobody has."""
    fence: int = 0
    """How often the stream had been taken over when the chunks were added, at most."""
