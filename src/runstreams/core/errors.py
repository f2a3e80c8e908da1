"""Everything that can go wrong, as one tree.

RunstreamsError
├── InvalidRequest           the caller's words are off; nothing was stored
│   ├── InvalidName          a run id, key or client id
│   ├── InvalidIndex         an index, a limit, a number of seconds
│   └── InvalidChunk         a chunk that is not one JSON value
├── LimitExceeded            beyond a limit; nothing of what is beyond was stored
│   ├── ChunkTooLarge
│   ├── BodyTooLarge
│   └── StreamFull
├── Refused                  the stream's or the run's state forbids it
│   ├── ChunkGap             a client skipped some of its own chunks
│   ├── StreamClosed         an append to a closed stream
│   ├── FencedOff            an append by who wrote before another took the stream over
│   ├── SupersededTooOften   an append that leaves out one span of chunks too many
│   ├── ClosedDifferently    a second close with another status
│   ├── CompletedDifferently a second completion of a run with another status
│   ├── RunCompleted         an append to a stream of a completed run
│   └── NotJson              a stream of bytes, where JSON chunks are meant
├── TooMany                  later there is room again
│   ├── TooManyStreams       a run opens more of them than one run may
│   └── TooManyReaders       a token has more of them than one token may
├── NotThere
│   ├── TargetMissing        the parent or root of a run that has none
│   ├── IndexExpired         older than the retention
│   └── IndexBeyondTail
├── NoEventStream            none is served here; the same can be polled
├── Denied
│   ├── Unauthenticated      no secret key and no valid token
│   └── Unauthorized         a token whose scopes do not allow it
└── StoreError
    ├── Busy                 passing, and nothing happened; try again after a moment
    │   └── SealingBehind    too many batches wait to be sealed
    ├── Uncertain            the answer was lost; it may have happened
    ├── StoreFull            the disk is full
    └── ObjectMissing        a stored object is not where the head says
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

from .model import Status
from .public import public


class BodyPlace(NamedTuple):
    """Where in a body of lines something went wrong."""

    line: int | None
    """The line, counted from 1; None when no line is to blame."""
    last_index: int | None
    """Index of the last chunk of the body that is stored; None when none is, or it is not
    known.
    """


@dataclass(eq=False, repr=False, kw_only=True)
class RunstreamsError(Exception):
    """Base of all errors; *code* is stable and machine readable, *message* is for people.

    What a caller can act on are the attributes of each class, and those that any error may have.
    """

    code: ClassVar[str] = "error"

    message: str = field(kw_only=False)
    retry_after: int | None = None
    """Seconds to wait before trying again, where that is known."""
    place: BodyPlace | None = None
    """Where in a body of lines it went wrong."""
    http_status: int | None = None
    """Status of the answer that told of it, if one did."""
    request_id: str | None = None
    """What the server's log has it under."""

    def __init_subclass__(cls, *, internal: bool = False) -> None:
        # A traceback names a class by where users find it.
        if not internal:
            public(cls)

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # As any object: an exception would be made again from its message alone.
        return _bare, (type(self), self.args), self.__dict__

    @property
    def facts(self) -> dict[str, str | int | None]:
        """What a caller can act on, by name, as it stands in an answer: its own facts first."""
        every, common = fields(self), fields(RunstreamsError)
        said: dict[str, str | int | None] = {}
        for each in (*every[len(common) :], *common[1:]):
            value = getattr(self, each.name)
            if isinstance(value, BodyPlace):
                line = {} if value.line is None else {"line": value.line}
                said |= {**line, "last_index": value.last_index}
            elif value is not None or each.default is MISSING:
                said[each.name] = value
        return said


public(RunstreamsError)


def _bare(kind: type[RunstreamsError], args: tuple[Any, ...]) -> RunstreamsError:
    return kind.__new__(kind, *args)


class InvalidRequest(RunstreamsError):
    """The request cannot be understood."""

    code = "invalid_request"


@dataclass(eq=False, repr=False, kw_only=True)
class InvalidName(InvalidRequest):
    """A run id, stream key or client id is empty, too long, or holds characters that are not
    allowed.

    When it is too long, *limit* and *size* say so in bytes.
    """

    code = "invalid_name"
    limit: int | None = None
    size: int | None = None


class InvalidIndex(InvalidRequest):
    """An index, limit or duration is not a number in its range."""

    code = "invalid_index"


@dataclass(eq=False, repr=False, kw_only=True)
class InvalidChunk(InvalidRequest):
    """A chunk is not one JSON value in UTF-8; or one that was read, at *index*, is not as defined.

    When it is nested too deeply, *limit* is the deepest that may be.
    """

    code = "invalid_chunk"
    limit: int | None = None
    index: int | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class LimitExceeded(RunstreamsError):
    """Something is larger than its *limit* in bytes; *size* is how large, where that is known."""

    code = "limit_exceeded"
    limit: int
    size: int | None = None


class ChunkTooLarge(LimitExceeded):
    """One chunk is larger than a chunk may be."""

    code = "chunk_too_large"


class BodyTooLarge(LimitExceeded):
    """A request body is larger than its path carries."""

    code = "body_too_large"


@dataclass(eq=False, repr=False, kw_only=True)
class StreamFull(LimitExceeded):
    """The stream has taken all the bytes that a stream may take; with this it would have *size*."""

    code = "stream_full"
    size: int


class Refused(RunstreamsError):
    """The state of the stream or of its run forbids it."""

    code = "refused"


@dataclass(eq=False, repr=False, kw_only=True)
class ChunkGap(Refused):
    """A client's chunks must follow one another: *expected* is the number of the next one,
    *received* the one that came.
    """

    code = "chunk_gap"
    expected: int
    received: int


@dataclass(eq=False, repr=False, kw_only=True)
class StreamClosed(Refused):
    """The stream is closed, with *status*, and ends before index *tail*; with *closed_code*
    `producer_lost` where nothing was heard of its producer.
    """

    code = "stream_closed"
    status: Status
    tail: int
    closed_code: str | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class FencedOff(Refused):
    """Another writer has taken the stream over, as *fence* writers have until now; nothing of this
    one is taken any more. It should end without a trace.
    """

    code = "fenced_off"
    fence: int


@dataclass(eq=False, repr=False, kw_only=True)
class SupersededTooOften(Refused):
    """The stream has *limit* separate spans of superseded chunks already; none of this append is
    stored.
    """

    code = "superseded_too_often"
    limit: int


@dataclass(eq=False, repr=False, kw_only=True)
class ClosedDifferently(Refused):
    """The stream was closed before, with another *status*, which stays; it ends before index
    *tail*.
    """

    code = "closed_differently"
    status: Status
    tail: int


@dataclass(eq=False, repr=False, kw_only=True)
class CompletedDifferently(Refused):
    """The run was completed before, with another *status*, which stays."""

    code = "completed_differently"
    status: Status


@dataclass(eq=False, repr=False, kw_only=True)
class RunCompleted(Refused):
    """The run is completed and takes no more chunks."""

    code = "run_completed"
    run: str | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class NotJson(Refused):
    """The stream holds bytes of some *content_type*, and no JSON chunks."""

    code = "not_json"
    content_type: str


class DeletedWithForks(Refused, internal=True):
    """The stream was deleted. Its name is taken for as long as streams need its chunks that were
    forked from it.
    """

    code = "stream_deleted"


@dataclass(eq=False, repr=False, kw_only=True)
class TooMany(RunstreamsError):
    """There are *limit* of them already; after *retry_after* seconds there may be room."""

    code = "too_many"
    limit: int


@dataclass(eq=False, repr=False, kw_only=True)
class TooManyStreams(TooMany):
    """The *run* has opened as many streams as a run may within a retention period."""

    code = "too_many_streams"
    run: str | None = None


class TooManyReaders(TooMany):
    """As many readers wait with this token as may."""

    code = "too_many_readers"


class NotThere(RunstreamsError):
    """What is asked for does not exist."""

    code = "not_found"


def no_such(what: str) -> NotThere:
    """Return the error that tells that there is no stream, or run, *what*, of its name."""
    return NotThere(f"there is no such {what}")


@dataclass(eq=False, repr=False, kw_only=True)
class TargetMissing(NotThere):
    """The *run* has no such *target*, parent or root."""

    code = "target_not_found"
    run: str | None = None
    target: str | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class IndexExpired(NotThere):
    """The chunk is older than the retention; *first_index* is the oldest one left."""

    code = "index_expired"
    first_index: int


@dataclass(eq=False, repr=False, kw_only=True)
class IndexBeyondTail(NotThere):
    """No chunk has this index yet; *tail* is the index the next one will get."""

    code = "index_beyond_tail"
    tail: int


@dataclass(eq=False, repr=False, kw_only=True)
class NoEventStream(RunstreamsError, internal=True):
    """An event stream was asked for where none is served; *url* is where there is one, if known."""

    code = "no_event_stream"
    url: str | None


class Denied(RunstreamsError):
    """The caller may not do this."""

    code = "denied"


class Unauthenticated(Denied):
    """The request carries neither a secret key nor a valid token."""

    code = "unauthenticated"


class Unauthorized(Denied):
    """The token is valid, but none of its scopes allows this."""

    code = "unauthorized"


class StoreError(RunstreamsError):
    """The store did not do what it was asked."""

    code = "store_error"


class Busy(StoreError):
    """The store or the stream has too much to do and did nothing; try again after *retry_after*
    seconds.
    """

    code = "busy"


class SealingBehind(Busy, internal=True):
    """Too many of the stream's batches wait to be sealed; nothing happened."""


class Uncertain(StoreError):
    """The store's answer was lost: the step may have taken effect or not. A resend with a client
    id is exact.
    """

    code = "uncertain"


class StoreFull(StoreError):
    """There is no room left to store it."""

    code = "store_full"


class ObjectMissing(StoreError):
    """A stored object is gone: it was sealed or merged since its name was read, or it is
    damaged.
    """

    code = "object_missing"
