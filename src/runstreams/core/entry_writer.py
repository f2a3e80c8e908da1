"""Writing entries: look at the head, decide, and commit if all is still so.

Entries that change a stream's book take turns in a process, so that only other processes can come
between the look and the commit. Plain ones, chunks and nothing else, disturb nobody, and what
decides on them was agreed for good when the stream was created: they come as they come, and one
look serves many.
"""

from asyncio import Lock
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import NamedTuple
from weakref import WeakValueDictionary

from .appending import Appender
from .cleaning import cleaned
from .commit import NOTHING, check_room, leads_to
from .entries import (
    COMPLETED,
    AgreedDifferently,
    Entry,
    Repeated,
    check_ends,
    content_type_of,
    decide,
)
from .errors import (
    Busy,
    DeletedWithForks,
    RunCompleted,
    RunstreamsError,
    StoreError,
    TooManyStreams,
    Uncertain,
    no_such,
)
from .forks import SourceGone
from .limits import Limits
from .model import Amendment, Batch, Charter, Fork, Head, StreamId, Turn, kind_of
from .ports import Clock, Committed, Opened, Staged, Store, Terms
from .position import is_left_behind
from .reading import NO_POINTERS, Lookup
from .retention import lasts_until, starts_new_period
from .runs import named

ATTEMPTS = 32
"""How often an entry looks again: other processes write as well."""

HEADS_KEPT = 1024
"""Streams of which a process knows the head as it was once."""


class Written(NamedTuple):
    """What became of an entry: the head after it."""

    head: Head
    repeated: bool = False
    """Whether it was written before."""
    turn: Turn | None = None
    """Its producer's last turn."""


class EntryWriter:
    """Writes what the open protocol asks for."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        clock: Clock,
        lookup: Lookup,
        appender: Appender,
    ) -> None:
        """Open streams that are not there as *appender* does."""
        self._store = store
        self._limits = limits
        self._clock = clock
        self._lookup = lookup
        self._appender = appender
        self._locks: WeakValueDictionary[StreamId, Lock] = WeakValueDictionary()
        self._known: OrderedDict[StreamId, Head] = OrderedDict()

    async def found(self, stream: StreamId, charter: Charter, first: Entry) -> tuple[Head, bool]:
        """Open the stream under *charter*, with the chunks of its *first* entry, which may close
        it, too; return its head, and whether this opened it.

        Raises `AgreedDifferently`, `RunCompleted`, `TooManyStreams`, `StreamFull`, `Busy`.
        """
        for _ in range(ATTEMPTS):
            if (head := await self._lookup.head(stream, since=NO_POINTERS)) is not None:
                _check_agreed(head, charter, first)
                return head, False
            with suppress(Uncertain):  # the next look will tell
                opened = await self.begin(stream, charter, first)
                if opened.done:
                    return opened.head, True
        raise Busy("the stream comes and goes faster than it can be created", retry_after=1)

    async def begin(
        self, stream: StreamId, charter: Charter | None, first: Entry, fork: Fork | None = None
    ) -> Opened:
        """Open the stream, perhaps as a *fork*; its batch is removed where that may not be."""
        staged = await self._stage_first(stream, first) if first.count else None
        closed = COMPLETED if first.closes else None
        try:
            opened = await self._appender.open(stream, staged, charter, closed, fork)
        except DeletedWithForks as deleted:
            await self._discard(stream, staged)
            raise AgreedDifferently(deleted.message) from None
        except (RunCompleted, TooManyStreams, SourceGone):
            await self._discard(stream, staged)
            raise
        if not opened.done:
            await self._discard(stream, staged)
        return opened

    async def _stage_first(self, stream: StreamId, first: Entry) -> Staged:
        batch = Batch(first.lines, first.count, self._clock())
        check_room(NOTHING, batch, self._limits, self._store.plan)
        return await self._stage(stream, first)

    async def _stage(self, stream: StreamId, entry: Entry) -> Staged:
        batch = Batch(entry.lines, entry.count, self._clock())
        return await self._store.batches.put(stream, batch, self._limits)

    async def write(self, stream: StreamId, entry: Entry) -> Written:
        """Write *entry*. Raises `NotThere`, what `decide` raises, `StreamFull`, `SealingBehind`,
        `Busy`, `Uncertain`.
        """
        async with self._turn(stream, entry):
            return await self._write(stream, entry)

    def _turn(self, stream: StreamId, entry: Entry) -> AbstractAsyncContextManager[None]:
        return nullcontext() if entry.is_plain else self._locks.setdefault(stream, Lock())

    async def use(self, stream: StreamId, head: Head) -> None:
        """Let a stream that is read live on for as long as its charter says."""
        if head.charter is None or head.charter.ttl_ms is None:
            return
        expires = lasts_until(head, self._clock(), self._limits)
        if expires > head.expires:
            await self._store.heads.use(stream, head.generation, expires, self._clock())

    async def _write(self, stream: StreamId, entry: Entry) -> Written:
        staged: Staged | None = None
        for _ in range(ATTEMPTS):
            known = self._known_of(stream) if entry.is_plain else None
            head = known or await self._there(stream)
            try:
                verdict = self._decide(head, entry)
            except RunstreamsError as error:
                if known is not None:
                    self._forget(stream)  # it may be otherwise now
                    continue
                await self._discard(stream, staged)
                raise named(error, stream.run) from None
            if isinstance(verdict, Repeated):
                await self._discard(stream, staged)
                return Written(head, True, verdict.turn)
            if entry.count and staged is None:
                staged = await self._stage(stream, entry)
            after, staged = await self._commit(stream, staged, verdict, head)
            if after is not None:
                self._remember(stream, head)
                return Written(after, False, entry.turn)
            self._forget(stream)
        await self._discard(stream, staged)
        raise Busy("the stream changes faster than this entry can follow", retry_after=1)

    def _known_of(self, stream: StreamId) -> Head | None:
        """Return the head as it was once, if it lasts beyond now."""
        head = self._known.get(stream)
        return head if head is not None and head.expires > self._clock() else None

    def _remember(self, stream: StreamId, head: Head) -> None:
        self._known[stream] = head
        if len(self._known) > HEADS_KEPT:
            self._known.popitem(last=False)

    def _forget(self, stream: StreamId) -> None:
        self._known.pop(stream, None)

    async def _there(self, stream: StreamId) -> Head:
        head = await self._lookup.head(stream, since=NO_POINTERS)
        if head is None or is_left_behind(head, self._limits.epoch):
            raise no_such("stream")
        return head

    def _decide(self, head: Head, entry: Entry) -> Amendment | Repeated:
        now = self._clock()
        verdict = decide(head, entry, now, self._limits)
        if entry.count and isinstance(verdict, Amendment):
            batch = Batch(entry.lines, entry.count, now)
            check_room(head, batch, self._limits, self._store.plan)
        return verdict

    async def _discard(self, stream: StreamId, staged: Staged | None) -> None:
        """Remove a batch that nobody will refer to; should that fail, the clean-up will."""
        if staged is not None and not staged.inline:
            await cleaned(self._store.batches.delete(stream, [staged.object]))

    async def _commit(
        self, stream: StreamId, staged: Staged | None, amendment: Amendment, seen: Head
    ) -> tuple[Head | None, Staged | None]:
        """Return the head after the commit, None when it has to be decided again; and the batch
        that was certainly not committed.

        Raises `Uncertain` where a resend could not be recognised.
        """
        live = min(self._clock(), seen.expires - 1)
        try:
            if staged is None:
                return await self._store.heads.amend(stream, amendment, live), None
            terms = Terms(live, amendment=amendment)
            done = await self._store.heads.commit(stream, staged, terms, 0, self._limits)
        except Uncertain as lost:
            if (found := await self._committed(stream, staged, lost)) is not None:
                return found, None
            if staged is not None and not amendment.writes_book:
                raise  # it may be sealed already
            return None, None  # unheard, it may take effect yet: it is put again
        if isinstance(done, Committed):
            await self._extend_run(stream, done.head)
            return done.head, None
        if done.elsewhere:
            await self._discard(stream, staged)
            return None, None
        return None, staged

    async def _committed(
        self, stream: StreamId, staged: Staged | None, lost: Uncertain
    ) -> Head | None:
        """Return the head if *staged* stands in it, as the answer to its commit was *lost*."""
        try:
            head = await self._lookup.head(stream)
        except Busy:
            raise lost from None  # nothing happened now, but it may have before
        pending = head.pending if head and staged else ()
        is_there = any(staged and leads_to(pointer, staged, 0) for pointer in pending)
        return head if is_there else None

    async def _extend_run(self, stream: StreamId, head: Head) -> None:
        """Let the run's record outlive its stream, once a retention period."""
        if not starts_new_period(head, self._limits):
            return
        with suppress(StoreError):
            until = self._clock() + 2 * self._limits.retention_ms
            await self._store.runs.extend(stream.run, until)


def _check_agreed(head: Head, charter: Charter, first: Entry) -> None:
    there = head.charter or Charter()
    same = kind_of(content_type_of(head)) == kind_of(charter.content_type)
    times = (there.ttl_ms, there.expires_at) == (charter.ttl_ms, charter.expires_at)
    if not same or not times or head.fork is not None:
        raise AgreedDifferently("the stream was created with other words")
    check_ends(head, first)
