"""Appending: put the batch, then commit it with one atomic update of the head.

It follows that indexes have no gaps, that writers never retry because of one another, and that a
reader never sees part of a batch. A crash before the commit leaves an object nobody refers to; one
after it loses only the answer, and the resend is recognised.
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from .cleaning import cleaned
from .commit import LookOutside, Open, Outside, Retry, check_not_buried, judge, leads_to
from .errors import (
    Busy,
    DeletedWithForks,
    RunCompleted,
    RunstreamsError,
    StoreError,
    TooManyStreams,
    Uncertain,
)
from .fencing import fence_at
from .leasing import claimed, close_lost, is_lost, leased_until
from .limits import Limits
from .model import Appended, Batch, Charter, Closed, Fork, Head, Run, StreamId
from .ports import Clock, Committed, NewId, NotCommitted, Opened, Staged, Store, Terms
from .position import generation_in
from .retention import closed_until, lasts_until, starts_new_period
from .runs import named
from .tracing import asking, kept

ATTEMPTS = 8
"""Verdicts followed before an append gives up: opening, looking outside the head and an overlap
make three.
"""

_HINTS = 1024
"""Streams with moved-out clients that a process remembers, to spare each new client there a
failed update.
"""


class _Try(NamedTuple):
    """One way to commit: without the first *skip* chunks, which came when the stream had this
    *fence*, under *terms*, knowing what is *outside* the head; or else as the first batch of a
    stream that it *opens*.
    """

    terms: Terms
    skip: int = 0
    outside: Outside | None = None
    opens: bool = False
    fence: int | None = None


class Appender:
    """Commits batches and answers what became of them."""

    def __init__(self, store: Store, limits: Limits, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._new_id = new_id
        self._hints: OrderedDict[StreamId, tuple[str, int]] = OrderedDict()

    async def append(self, stream: StreamId, batch: Batch) -> tuple[Appended, Committed | None]:
        """Append *batch*; return the answer, and the commit if anything was added.

        Raises `ChunkGap`, `StreamClosed`, `RunCompleted`, `FencedOff`, `IndexBeyondTail`,
        `SupersededTooOften`, `StreamFull`, `Busy`; `Uncertain` only for a batch without client and
        idempotency key, whose resend nobody could recognise.
        """
        staged = await self._store.batches.put(stream, batch, self._limits)
        attempt = await self._first_try(stream, batch)
        for _ in range(ATTEMPTS):
            outcome, heard = await self._commit(stream, staged, attempt)
            self._remember(stream, outcome.head)
            if isinstance(outcome, Committed):
                return await self._committed(stream, staged, attempt, outcome), outcome
            verdict = await self._follow(stream, staged, outcome.head, attempt.outside, heard)
            if isinstance(verdict, Appended):
                return verdict, None
            if outcome.elsewhere:
                await self._discard(stream, staged)
            if outcome.elsewhere or not heard:
                # Unheard, it may take effect yet, or did so in a stream that was deleted, object
                # and all.
                staged = await self._store.batches.put(stream, batch, self._limits)
            attempt = verdict
        raise outpaced("this append")

    async def open(
        self,
        stream: StreamId,
        first: Staged | None = None,
        charter: Charter | None = None,
        closed: Closed | None = None,
        fork: Fork | None = None,
    ) -> Opened:
        """Open the stream unless it is open, with its *first* batch and under a *charter*, if it
        has them; *closed*, it has all that it will ever have. As a *fork* it has chunks already.
        Raises `RunCompleted`, `TooManyStreams`, `DeletedWithForks`, `SourceGone`.
        """
        now, life = self._clock(), self._limits.retention_ms
        name = f"{self._store.mark}{self._new_id()[:16]}"
        generation = generation_in(self._limits.epoch, name)
        if (trace := kept(asking.get())) is not None:
            charter = replace(charter or Charter(), trace=trace)
        head = Head(generation, created=now, expires=now + life, charter=charter, closed=closed)
        head = replace(head, expires=lasts_until(head, now, self._limits))
        if fork is not None:
            head = replace(head, tail=fork.end, sealed=fork.end, sealed_time=fork.time, fork=fork)
            head = replace(head, superseded=fork.superseded)
        until = max(now, head.expires - life) + 2 * life
        run = Run(stream.run, created=now, expires=until)
        opened = await self._store.heads.open(stream, head, run, self._limits, first)
        if not opened.done:
            check_not_buried(opened.head)
        return opened

    async def _first_try(self, stream: StreamId, batch: Batch) -> _Try:
        """Guess the state of the head, so that the usual append needs one update and nothing
        else.
        """
        previous = batch.number - 1 if batch.client is not None and batch.number else None
        plain = Terms(self._clock(), previous, lease=claimed(batch))
        if batch.client is None or batch.number:
            return _Try(plain)
        hint = self._hints.get(stream)
        if hint is None:
            return _Try(plain)
        generation, spills = hint
        sent = await self._store.heads.spilled(stream, generation, batch.client)
        # A client that was found has sent this before: the head will refuse it, and is then judged.
        terms = plain if sent else replace(plain, spills=spills, generation=generation)
        return _Try(terms, 0, Outside(generation, spills, sent))

    async def _commit(
        self, stream: StreamId, staged: Staged, attempt: _Try
    ) -> tuple[Committed | NotCommitted, bool]:
        """Return what became of a commit, and whether the store said so itself."""
        try:
            if attempt.opens:
                return await self._begin(stream, staged), True
            return await self._store.heads.commit(
                stream, staged, attempt.terms, attempt.skip, self._limits
            ), True
        except Uncertain as lost:
            return await self._look_for(stream, staged, attempt.skip, lost), False

    async def _begin(self, stream: StreamId, staged: Staged) -> Committed | NotCommitted:
        """Open the stream with *staged*, which is removed where that may not be."""
        try:
            done, head = await self.open(stream, staged)
        except (RunCompleted, TooManyStreams, DeletedWithForks):
            await self._discard(stream, staged)
            raise
        return Committed(0, head) if done else NotCommitted(head)

    async def _look_for(
        self, stream: StreamId, staged: Staged, skip: int, lost: Uncertain
    ) -> Committed | NotCommitted:
        """Look whether *staged* without its first *skip* chunks was committed, as the answer was
        *lost*.
        """
        try:
            head = await self._store.heads.get(stream)
        except Busy:
            raise lost from None  # nothing happened now, but it may have before
        for pointer in head.pending if head else ():
            if head and leads_to(pointer, staged, skip):
                return Committed(pointer.first, head)
        if staged.batch.client is None and staged.batch.once is None:
            raise lost  # it may be sealed already, and a resend could not be recognised
        return NotCommitted(head)

    async def _follow(
        self,
        stream: StreamId,
        staged: Staged,
        head: Head | None,
        outside: Outside | None,
        heard: bool,
    ) -> Appended | _Try:
        """Return what follows from *head*. A batch that nobody will refer to is removed, unless the
        store's answer was not *heard*: then somebody may.
        """
        try:
            verdict = await self._judge(stream, staged.batch, head, outside)
        except RunstreamsError as error:
            if heard:
                await self._discard(stream, staged)
            raise named(error, stream.run) from None
        if heard and isinstance(verdict, Appended):
            await self._discard(stream, staged)
        return verdict

    async def _discard(self, stream: StreamId, staged: Staged) -> None:
        """Remove a batch; should that fail, the clean-up will."""
        if not staged.inline:
            await cleaned(self._store.batches.delete(stream, [staged.object]))

    async def _judge(
        self, stream: StreamId, batch: Batch, head: Head | None, outside: Outside | None
    ) -> Appended | _Try:
        plan = self._store.plan
        verdict = judge(head, batch, outside, self._clock(), self._limits, plan)
        if isinstance(verdict, LookOutside):
            assert head is not None
            assert batch.client is not None
            sent = await self._store.heads.spilled(stream, head.generation, batch.client)
            outside = Outside(head.generation, head.spills, sent)
            verdict = judge(head, batch, outside, self._clock(), self._limits, plan)
        if isinstance(verdict, Open):
            return _Try(Terms(self._clock()), opens=True)
        if isinstance(verdict, Retry):
            assert head is not None
            if is_lost(head, self._clock()):
                await self._close_lost(stream, head)  # the next try will tell
            return _Try(verdict.terms, verdict.skip, outside, fence=verdict.fence)
        assert isinstance(verdict, Appended)
        return verdict

    async def _close_lost(self, stream: StreamId, head: Head) -> None:
        with suppress(Uncertain):
            expires = closed_until(head, self._clock(), self._limits)
            await close_lost(self._store, stream, head, expires)

    async def _committed(
        self, stream: StreamId, staged: Staged, attempt: _Try, done: Committed
    ) -> Appended:
        if starts_new_period(done.head, self._limits):
            # The chunks are committed; a record that is not extended now does not undo that.
            with suppress(StoreError):
                life = self._limits.retention_ms
                await self._store.runs.extend(stream.run, self._clock() + 2 * life)
        last = done.first + staged.batch.count - attempt.skip - 1
        head = done.head
        fence = fence_at(head, last) if attempt.fence is None else attempt.fence
        until = leased_until(head)
        return Appended(done.first, last, head.tail, head.stop, False, until, fence)

    def _remember(self, stream: StreamId, head: Head | None) -> None:
        if head is None or not head.spills:
            return
        self._hints[stream] = (head.generation, head.spills)
        self._hints.move_to_end(stream)
        if len(self._hints) > _HINTS:
            self._hints.popitem(last=False)


def outpaced(what: str = "this") -> Busy:
    """Return the error that tells that others change a stream faster than *what* can follow."""
    return Busy(f"the stream changes faster than {what} can follow; try again", retry_after=1)
