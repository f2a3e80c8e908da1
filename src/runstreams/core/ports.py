"""What the core needs from outside: a store, a clock, fresh names.

Each method of a store is one atomic step, so that a simulation which interleaves them, or stops
between them, meets everything that can happen. Any of them may raise `Busy` (nothing happened),
`Uncertain` (the answer was lost, so it may have happened) and `StoreFull` (nothing happened).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .limits import NO_LIMITS, Limits, SealingPlan
from .model import (
    Amendment,
    Batch,
    Closed,
    ForkRef,
    Head,
    Lease,
    Pointer,
    Run,
    SegmentName,
    Sent,
    Span,
    StoredBatch,
    StreamId,
)


class Clock(Protocol):
    """Where the time comes from."""

    def __call__(self) -> int:
        """Return milliseconds since 1970."""


class NewId(Protocol):
    """Where fresh names come from."""

    def __call__(self) -> str:
        """Return 32 characters `[0-9a-f]` that nobody has seen before."""


class Staged(NamedTuple):
    """A batch that is ready to be committed."""

    object: str
    """Its fresh name; where it is to lie in its pointer, a short one."""
    batch: Batch
    inline: bool = False
    """Whether it is to lie in its pointer: then nothing has been written."""


class Batches(Protocol):
    """The objects of appends, until they are sealed."""

    async def put(self, stream: StreamId, batch: Batch, limits: Limits = NO_LIMITS) -> Staged:
        """Make *batch* ready under a fresh name. Nobody can see it, and a store may defer the
        writing to the commit; one whose pointers can hold batches lets those lie there that are
        no larger than *limits* allows.
        """

    async def get(self, stream: StreamId, pointers: Sequence[Pointer]) -> list[StoredBatch]:
        """Return the objects the *pointers* name, in their order. Raises `ObjectMissing` when
        one is gone. No batch lies in one of these pointers.
        """

    async def delete(self, stream: StreamId, objects: Sequence[str]) -> None:
        """Remove objects; one that is gone already is fine."""


class Segments(Protocol):
    """Immutable objects of many consecutive chunks, found by the indexes they hold."""

    async def put(self, stream: StreamId, name: SegmentName, body: bytes) -> None:
        """Store a segment, whole or not at all. Putting the same name again is fine: it holds
        the same chunks.
        """

    async def get(self, stream: StreamId, name: SegmentName, start: int, end: int) -> bytes:
        """Return bytes *start* to *end* (exclusive, cut at the object's end). Raises
        `ObjectMissing`.
        """

    async def names(self, stream: StreamId, generation: str, index: int) -> list[SegmentName]:
        """Return up to 1,000 segments that end at *index* or later, by their last index, with
        sizes.
        """

    async def generations(self, stream: StreamId) -> list[str]:
        """Return the generations that have segments."""

    async def delete(self, stream: StreamId, names: Sequence[SegmentName]) -> None:
        """Remove segments; one that is gone already is fine."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What must still hold for a commit to take effect, beside an open stream with room."""

    now: int
    """The head must expire after this."""
    previous: int | None = None
    """The client's last number in the head; None: the client must not be there."""
    spills: int = 0
    """With *previous* None: clients must have moved out of the head exactly this often."""
    generation: str | None = None
    """The stream's generation, when the client was looked for outside the head of one; None:
    any.
    """
    lease: Lease | None = None
    """What the stream's lease becomes, if it takes nothing from the one that is there."""
    amendment: Amendment | None = None
    """What else the commit changes; None: nothing, and the stream's charter must not guard it."""
    superseded: tuple[Span, ...] = ()
    """Where the batch supersedes chunks: which ones were superseded before."""


class Committed(NamedTuple):
    """The batch has its indexes; *head* is the state after it (clients, once and all pointers but
    its own may be left out, unless it is *whole*).
    """

    first: int
    head: Head
    whole: bool = False


class NotCommitted(NamedTuple):
    """A term did not hold and nothing changed; *head* is the state that was found, with the
    batch's client in it.
    """

    head: Head | None
    elsewhere: bool = False
    """Whether the batch has to be put again first: this stream keeps its objects in another place,
    or takes no batch into its pointers, as the store knows by now.
    """


class Opened(NamedTuple):
    """Whether a fresh head was put, and the head that is there now, as after a commit or a refused
    one.
    """

    done: bool
    head: Head


class Renewed(NamedTuple):
    """Whether a lease was renewed or a stream taken over, and the head afterwards, or as it was
    found.
    """

    done: bool
    head: Head | None


class Heads(Protocol):
    """One item per stream: its tail, its unsealed batches, its latest clients."""

    async def get(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        """Return the head with at least the newest pointer and those that hold chunks at *since* or
        later; None if there is none.

        With *strong* False the answer may be a moment old.
        """

    async def open(
        self,
        stream: StreamId,
        head: Head,
        run: Run,
        limits: Limits = NO_LIMITS,
        first: Staged | None = None,
    ) -> Opened:
        """Put a fresh *head* where there is none, one expired by ``head.created`` or one that was
        left behind, with its *first* batch in it as `commit.begun` says, and count it in *run*'s
        record as `runs.opened` says. Batches may lie in its pointers if *limits* says so, for good.

        A live head stays, and then its run's record is only made, or made to last. One step with
        the check that the run is not completed. The head of a fork stands in the list of its
        source's forks and counts in the source's head from the same step on, which raises
        `SourceGone` unless that is of the generation that the fork names, and not buried. Raises
        `RunCompleted`, `TooManyStreams`.
        """

    async def commit(
        self, stream: StreamId, staged: Staged, terms: Terms, skip: int, limits: Limits
    ) -> Committed | NotCommitted:
        """Give the batch, without its first *skip* chunks, the next indexes, all or nothing.

        The only commit point of an append. *skip* moves into the pointer; the client's last number
        and index, the bytes, the tail and the expiry move with it. Takes effect only when
        `commit.fits` holds, and `commit.takes` for a batch that is to lie in its pointer.
        """

    async def close(
        self,
        stream: StreamId,
        closed: Closed,
        now: int,
        expires: int,
        *,
        by_run: bool = False,
        fence: int | None = None,
    ) -> Head | None:
        """Close the stream if it is open, not expired, and `fencing.may_pass` says so of *fence*;
        return the head afterwards, whoever closed it. *by_run* goes into the head with *closed*.

        None when there is no live head.
        """

    async def amend(self, stream: StreamId, amendment: Amendment, now: int) -> Head | None:
        """Do what *amendment* says to a stream that is not expired, if `commit.may_amend` says so;
        return the head afterwards.

        None when it may not, and then nothing changes.
        """

    async def ask_stop(self, stream: StreamId, now: int) -> Head | None:
        """Raise the stop flag and return the head; None when there is no live head."""

    async def renew(
        self, stream: StreamId, lease: Lease, now: int, fence: int | None = None
    ) -> Renewed:
        """Let *lease* be the stream's, if it is open, not expired, and has none or one that *lease*
        takes nothing from, as `leasing.may_follow` says, and `fencing.may_pass` says so of *fence*.
        """

    async def take_over(
        self, stream: StreamId, lease: Lease | None, now: int, limits: Limits
    ) -> Renewed:
        """Raise the fence of the stream if it is open, not expired and of the present epoch, as
        `fencing.taken_over` says; *lease* is its lease from then on, whatever it was.
        """

    async def release(self, stream: StreamId, holder: str) -> Head | None:
        """Take the stream's lease away if *holder* has it; return the head afterwards."""

    async def use(self, stream: StreamId, generation: str, expires: int, now: int) -> None:
        """Let a stream of this *generation* that is not expired at *now* be kept until *expires*.

        Takes effect only if that is later than what is there. Changes nothing but the expiry, so
        that whoever only reads may do it.
        """
        ...

    async def lose(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        """Close the stream as *closed*, whose producer is lost in *seen*.

        Takes effect only if it is open, and if its generation, its tail and how far its lease
        reaches are those *seen*: so nobody was heard of meanwhile. Returns whether it did. Changes
        nothing but how the stream is closed and its expiry, so that whoever only reads may do it.
        """

    async def seal(self, stream: StreamId, seen: Head, upto: Pointer, count: int) -> bool:
        """Drop the first *count* pointers, of which *upto* is the last, and move the sealed index
        and time behind it.

        Takes effect only if generation and sealed index are still those *seen*, so that the first
        pointers are, too; returns whether it did.
        """

    async def spilled(self, stream: StreamId, generation: str, client: str) -> Sent | None:
        """Return what is kept of a client outside the head."""

    async def spill(
        self, stream: StreamId, generation: str, clients: Mapping[str, Sent], expires: int
    ) -> None:
        """Copy clients to items of their own. Never lowers a number that is there already."""

    async def forget(
        self, stream: StreamId, seen: Head, clients: Mapping[str, Sent], once: Sequence[str]
    ) -> bool:
        """Remove spilled *clients* and old *once* from the head and raise `spills`, if none of the
        clients has moved.

        Returns whether it took effect.
        """

    async def streams(
        self, run: str, limit: int, after: str | None, *, bare: bool = False
    ) -> list[tuple[str, Head]]:
        """Return up to *limit* streams of a run, by key, those with keys beyond *after*. *Bare*
        heads may come without pointers, clients and one-shot appends, and with them without the
        effective time of their newest chunk.
        """

    async def delete(self, stream: StreamId, seen: Head | None = None) -> Head | None:
        """Remove the head and return it whole, unless streams were forked from it: then it is
        returned and stays. A head as *seen* goes whatever its forks, if its generation is the
        same and their number, and otherwise it stays.
        """

    async def bury(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        """Mark the stream as deleted by closing it as *closed*, however it was closed before, if it
        is of the generation *seen*; return whether it is marked now.
        """

    async def forks(self, stream: StreamId, generation: str) -> list[ForkRef]:
        """Return the streams that were forked from a *generation*, whatever has become of them."""

    async def forget_fork(self, stream: StreamId, generation: str, fork: ForkRef) -> None:
        """Take *fork* from the list of those that were forked from a *generation*."""

    async def delete_spilled(self, stream: StreamId, generation: str) -> None:
        """Remove the items of a generation's spilled clients."""


class Runs(Protocol):
    """One record per run."""

    async def get(self, run: str) -> Run | None:
        """Return the record."""

    async def put(self, run: Run) -> Run:
        """Make the record, or change the one that is there as `runs.registered` says; return
        it.
        """

    async def complete(self, run: Run) -> Run:
        """Mark the run completed as `runs.completed` says, making the record if missing; return
        it.
        """

    async def release(self, run: str, holder: str) -> Run | None:
        """Take the record's lease away if *holder* has it; return the record."""

    async def extend(self, run: str, expires: int) -> None:
        """Raise the record's expiry, if there is a record that is not completed."""

    async def delete(self, run: str) -> None:
        """Remove the record."""

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[Run]:
        """Return up to *limit* runs, newest first; *after* is the creation time and id of the
        last one seen.
        """


class Changes(Protocol):
    """Tells that another process may have committed something."""

    def __call__(self) -> bool:
        """Return whether anything may have changed since the last call; cheap enough to ask
        every few milliseconds.
        """


class Store(Protocol):
    """Everything that keeps streams, and how it likes to be used."""

    @property
    def heads(self) -> Heads: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def segments(self) -> Segments: ...

    @property
    def plan(self) -> SealingPlan:
        """When to seal."""

    @property
    def mark(self) -> str:
        """How the generations begin of streams that are opened in it, if that tells it anything."""

    @property
    def window(self) -> int:
        """Bytes of a segment that one request should bring: whole segments where requests cost,
        less on a disk.
        """

    @property
    def changes(self) -> Changes | None:
        """How to notice other processes; None: by polling each head."""

    async def aclose(self) -> None:
        """Let go of connections and files."""
