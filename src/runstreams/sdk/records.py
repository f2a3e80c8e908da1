"""What a server tells, as values."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ..core.model import Closed, UnixMs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """A chunk and what is known of it."""

    index: int
    """Its position in the stream."""
    data: T
    id: str
    """Unique, and the same for ever."""
    timestamp: UnixMs
    """When it was appended."""


class ChunkPage(NamedTuple):
    """Consecutive chunks, and where to continue."""

    chunks: list[Chunk[object]]
    next_index: int
    tail: int
    closed: Closed | None = None
    """How the stream ended, when this page reaches its end."""


class Receipt(NamedTuple):
    """The answer to an append."""

    last_index: int | None
    """Index of the batch's last chunk."""
    tail: int
    stop: bool
    """Whether somebody asked the producer to stop."""
    linger: float | None = None
    """For how many seconds the server would have chunks gathered; None: it does not mind."""
