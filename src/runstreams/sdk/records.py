"""What a server tells, as values."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ..core.errors import RunstreamsError
from ..core.model import Closed, Span, UnixMs
from ..core.public import public

T = TypeVar("T")


@public
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


@public
@dataclass(frozen=True, slots=True)
class RunChunk(Generic[T]):
    """A chunk of one of a run's streams."""

    key: str
    """The stream's key."""
    index: int
    """Its position in that stream."""
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
    leased_until: UnixMs | None = None
    """Until when a producer has promised to be heard of; None: nobody has."""
    superseded: tuple[Span, ...] = ()
    """Which chunks of the stream no longer count, on whatever page they are."""
    is_shared: bool = False
    """Whether a cache in front gives pages to many readers."""
    cursor: int | None = None
    """What to ask such a cache with next, after nothing came."""
    generation: str | None = None
    """Which stream of its name it is of; None where only the ids of its chunks say so."""


class Sharing(NamedTuple):
    """What is the same for all readers who want the same of a stream, beside where they begin."""

    generation: str | None
    """Which stream of its name; None: not known yet."""
    cursor: int | None
    """That of the page before, where nothing came."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """Chunks that a reader was given no longer count."""

    key: str
    """The key of their stream."""
    index: int
    """Index of the first of them."""
    dropped: int
    """How many they are."""


class SignOfLife(NamedTuple):
    """The server is there, and nothing is new."""

    leased_until: UnixMs | None = None
    """Until when a producer has promised to be heard of; None: nobody has."""


class RunItem(NamedTuple):
    """What comes of one of several streams: a page, or why it is not read on."""

    key: str
    what: ChunkPage | RunstreamsError


class RunItems(NamedTuple):
    """What comes of several streams; nothing where it only shows that the server lives."""

    items: list[RunItem]
    over: bool = False
    """Whether nothing will come any more: everything is closed and read."""
    leased_until: UnixMs | None = None
    """Until when somebody has promised to be heard of, for any of the streams or for the run."""


class Receipt(NamedTuple):
    """The answer to an append."""

    last_index: int | None
    """Index of the batch's last chunk."""
    tail: int
    stop: bool
    """Whether somebody asked the producer to stop."""
    leased_until: UnixMs | None = None
    """Until when a producer has promised to be heard of; None: nobody has."""
    linger: float | None = None
    """For how many seconds the server would have chunks gathered; None: it does not mind."""
    fence: int = 0
    """How often the stream had been taken over when the first of the batch was stored."""


class TakenOver(NamedTuple):
    """What somebody is told who takes a stream over."""

    fence: int
    """How often it was, this time included."""
    tail: int
    """Index of the first chunk that is not from before."""
