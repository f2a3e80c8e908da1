"""What a server tells, as values."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ..core.model import Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a stream ended: completed, failed or canceled."""

    status: Status
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A chunk and what is known of it."""

    index: int
    """Its position in the stream."""
    data: T
    id: str
    """Unique, and the same for ever."""
    timestamp: int
    """When it was appended, in milliseconds since 1970."""


class Page(NamedTuple):
    """Consecutive chunks, and where to continue."""

    parts: list[Part[object]]
    next_index: int
    tail: int
    closed: Ended | None = None
    """How the stream ended, when this page reaches its end."""


class Receipt(NamedTuple):
    """The answer to an append."""

    last_index: int | None
    """Index of the batch's last chunk."""
    tail: int
    stop: bool
    """Whether somebody asked the producer to stop."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The state of a stream; times are milliseconds since 1970."""

    run: str
    key: str
    first_index: int
    """The oldest chunk left."""
    tail: int
    """The index that the next chunk will get."""
    bytes: int
    """Everything ever appended."""
    created: int
    updated: int
    last_append: int | None
    expires: int
    closed: Ended | None
    stop: bool
    """Whether somebody asked the producer to stop."""
    writers: int
    """Clients that have written to it; 64 stands for 64 or more."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run; times are milliseconds since 1970."""

    id: str
    created: int
    expires: int
    parent: str | None
    root: str | None
    completed: int | None
