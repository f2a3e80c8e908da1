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
│   ├── ClosedDifferently    a second close with another status
│   ├── CompletedDifferently a second completion of a run with another status
│   └── RunCompleted         an append to a stream of a completed run
├── NotThere
│   ├── TargetMissing        the parent or root of a run that has none
│   ├── IndexExpired         older than the retention
│   └── IndexBeyondTail
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

from typing import ClassVar


class RunstreamsError(Exception):
    """Base of all errors; *code* is stable and machine readable, *facts* are what a caller can
    act on.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **facts: str | int | None) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InvalidRequest(RunstreamsError):
    """The request cannot be understood."""

    code = "invalid_request"


class InvalidName(InvalidRequest):
    """A run id, stream key or client id is empty, too long, or holds characters that are not
    allowed.
    """

    code = "invalid_name"


class InvalidIndex(InvalidRequest):
    """An index, limit or duration is not a number in its range."""

    code = "invalid_index"


class InvalidChunk(InvalidRequest):
    """A chunk is not one JSON value in UTF-8.

    In a streamed body *line* is its line, counted from 1, and the lines before it are kept.
    """

    code = "invalid_chunk"


class LimitExceeded(RunstreamsError):
    """Something is larger than its *limit*; *size* says by how much."""

    code = "limit_exceeded"


class ChunkTooLarge(LimitExceeded):
    """One chunk is larger than a chunk may be."""

    code = "chunk_too_large"


class BodyTooLarge(LimitExceeded):
    """A request body is larger than its path carries."""

    code = "body_too_large"


class StreamFull(LimitExceeded):
    """The stream has taken all the bytes that a stream may take."""

    code = "stream_full"


class Refused(RunstreamsError):
    """The state of the stream or of its run forbids it."""

    code = "refused"


class ChunkGap(Refused):
    """A client's chunks must follow one another; *expected* is the number of the next one."""

    code = "chunk_gap"


class StreamClosed(Refused):
    """The stream is closed, with *status*; *closed_code* is `producer_lost` where nothing was heard
    of its producer, or else None.
    """

    code = "stream_closed"


class ClosedDifferently(Refused):
    """The stream was closed before, with another *status*, which stays."""

    code = "closed_differently"


class CompletedDifferently(Refused):
    """The run was completed before, with another *status*, which stays."""

    code = "completed_differently"


class RunCompleted(Refused):
    """The run is completed and takes no more chunks."""

    code = "run_completed"


class NotThere(RunstreamsError):
    """What is asked for does not exist."""

    code = "not_found"


class TargetMissing(NotThere):
    """The run has no such parent or root."""

    code = "target_not_found"


class IndexExpired(NotThere):
    """The chunk is older than the retention; *first_index* is the oldest one left."""

    code = "index_expired"


class IndexBeyondTail(NotThere):
    """No chunk has this index yet; *tail* is the index the next one will get."""

    code = "index_beyond_tail"


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


class SealingBehind(Busy):
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
