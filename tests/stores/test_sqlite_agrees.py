"""SQLite does what memory does, step by step, whatever the steps."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from runstreams.core.errors import RunstreamsError
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.model import (
    Batch,
    Closed,
    Fork,
    ForkRef,
    Head,
    Lease,
    Run,
    SegmentName,
    Sent,
    Span,
    Strand,
    StreamId,
)
from runstreams.core.ports import Committed, Store, Terms
from runstreams.core.unsealed import fetched, objects
from runstreams.stores.memory import MemoryStore
from runstreams.stores.sqlite import SqliteStore

PLAN = SealingPlan(unsealed=12)
LIMITS = Limits(retention_ms=50, stream_bytes=400)
STEPS = 400

Step = Callable[[Store], Awaitable[Any]]


class Steps:
    """Draws steps that mean something, from what the stream looks like."""

    def __init__(self, seed: int, limits: Limits = LIMITS, mark: str = "") -> None:
        """Begin the generations with *mark*."""
        self._limits = limits
        self._draw = random.Random(seed)
        self._superseding = random.Random(f"{seed} superseding")
        self._generations = (f"{mark}{at:016x}" for at in count())
        self.now = 1000

    def stream(self, other_than: StreamId | None = None) -> StreamId:
        while (drawn := StreamId(self._draw.choice("ab"), self._draw.choice("kl"))) == other_than:
            pass
        return drawn

    def next(self, stream: StreamId, head: Head | None) -> Step:
        """Return a step; *head* is what is there now."""
        self.now += self._draw.choice((0, 0, 1, 5))
        steps = [self._commit] * 8 + [self._open, self._commit_rest, self._seal, self._forget]
        steps += [
            self._lease,
            self._lose,
            self._take_over,
            self._mark,
            self._fork,
            self._spill,
            self._run,
            self._delete,
            self._segments,
            self._batches,
        ]
        return self._draw.choice(steps)(stream, head)

    def _batch(self, head: Head | None) -> tuple[Batch, Terms]:
        client = self._draw.choice((None, "v", "w"))
        sent = head.clients.get(client) if head and client else None
        number = self._draw.choice((0, 1, sent.number + 1 if sent else 0))
        once = self._draw.choice((None, None, "x", "y", "z"))
        lines = self._draw.randrange(1, 4)
        batch = Batch(b"1\n" * lines, lines, self.now, client, number if client else 0, once)
        batch = replace(batch, fence=self._fence(), supersedes=self._supersedes(head))
        previous = sent.number if sent else self._draw.choice((None, None, 0))
        generation = self._draw.choice((None, head.generation if head else None, "other"))
        spills = head.spills if head else 0
        claim = Lease(self.now + 9, self._draw.choice((5, 9)), self._holder())
        lease = self._draw.choice((None, None, claim))
        terms = Terms(self.now, previous, self._draw.choice((spills, 0)), generation, lease)
        return batch, replace(terms, superseded=self._seen(head))

    def _supersedes(self, head: Head | None) -> int | None:
        if head is None:
            return self._superseding.choice((None, 0))
        return self._superseding.choice((None, None, 0, head.tail // 2, head.tail, head.tail + 1))

    def _seen(self, head: Head | None) -> tuple[Span, ...]:
        seen = head.superseded if head else ()
        return self._superseding.choice((seen, seen, seen, (*seen, Span(0, 1))))

    def _commit(self, stream: StreamId, head: Head | None, skip: int = 0) -> Step:
        batch, terms = self._batch(head)

        async def step(store: Store) -> Any:
            staged = await store.batches.put(stream, batch, self._limits)
            left_out = min(skip, batch.count - 1)
            done = await store.heads.commit(stream, staged, terms, left_out, self._limits)
            if isinstance(done, Committed):
                assert done.head.pending[-1].object == staged.object
                return done.first, done.head
            return done.head

        return step

    def _commit_rest(self, stream: StreamId, head: Head | None) -> Step:
        return self._commit(stream, head, 1)

    def _open(self, stream: StreamId, head: Head | None) -> Step:
        fresh = Head(next(self._generations), self.now, self.now + 50)
        run, first = Run(stream.run, self.now, self.now + 100), self._draw.choice((None, True))
        batch, _ = self._batch(None)

        async def step(store: Store) -> Any:
            staged = await store.batches.put(stream, batch, self._limits) if first else None
            return await store.heads.open(stream, fresh, run, self._limits, staged)

        return step

    def _fork(self, stream: StreamId, head: Head | None) -> Step:
        """Fork something from the stream, bury it, or forget what was forked from it."""
        if head is None:
            return self._open(stream, head)
        end = self._draw.randrange(head.tail + 1)
        generation = self._draw.choice((head.generation, head.generation, "other"))
        strands = (Strand(stream, generation, end),) if end else ()
        fork = Fork(stream, generation, end, 0, self.now, self.now, strands)
        base = Head(next(self._generations), self.now, self.now + 50, end, end, fork=fork)
        # A stream that is there to fork from is no name for a new one.
        run, other = Run(stream.run, self.now, self.now + 100), self.stream(other_than=stream)
        ref = ForkRef(other, self._draw.choice((base.generation, "other")), self.now)
        buried = Closed("canceled", "it was deleted", "deleted")
        seen = replace(
            head, generation=generation, forks=self._draw.choice((head.forks, head.forks, 0))
        )
        steps: list[Step] = [
            lambda store: store.heads.open(other, base, run, self._limits),
            lambda store: store.heads.open(other, base, run, self._limits),
            lambda store: store.heads.forget_fork(stream, generation, ref),
            lambda store: store.heads.bury(stream, seen, buried, self.now + 50),
            lambda store: store.heads.delete(stream, seen),
        ]
        return self._draw.choice(steps)

    def _seal(self, stream: StreamId, head: Head | None) -> Step:
        if head is None or not head.pending:
            return self._open(stream, head)
        seen = self._draw.choice((head, head, replace(head, sealed=head.sealed + 1)))
        many = self._draw.randrange(1, len(head.pending) + 1)
        return lambda store: store.heads.seal(stream, seen, head.pending[many - 1], many)

    def _mark(self, stream: StreamId, head: Head | None) -> Step:
        if self._draw.random() < 0.3:
            closed, by_run = self._draw.choice(
                ((Closed("completed"), True), (Closed("failed", "why"), False))
            )
            fence = self._fence()
            return lambda store: store.heads.close(
                stream, closed, self.now, self.now + 50, by_run=by_run, fence=fence
            )
        return lambda store: store.heads.ask_stop(stream, self.now)

    def _holder(self) -> str:
        return self._draw.choice("vw")

    def _lease(self, stream: StreamId, head: Head | None) -> Step:
        holder = self._holder()
        if self._draw.random() < 0.4:
            return lambda store: store.heads.release(stream, holder)
        until = head.lease.until if head and head.lease else self.now
        lease = Lease(until + self._draw.choice((-1, 0, 1)), self._draw.choice((5, 9)), holder)
        fence = self._fence()
        return lambda store: store.heads.renew(stream, lease, self.now, fence)

    def _fence(self) -> int | None:
        return self._draw.choice((None, None, 0, 1, 2))

    def _take_over(self, stream: StreamId, head: Head | None) -> Step:
        lease = self._draw.choice((None, Lease(self.now + 5, 5, self._holder())))
        return lambda store: store.heads.take_over(stream, lease, self.now, self._limits)

    def _lose(self, stream: StreamId, head: Head | None) -> Step:
        if head is None or head.lease is None:
            return self._lease(stream, head)
        lease = Lease(head.lease.until, 1, "v")
        changes = ({}, {}, {"tail": head.tail + 1}, {"generation": "other"}, {"lease": lease})
        seen = replace(head, **self._draw.choice(changes))
        closed = Closed("failed", "silence", code="producer_lost")
        return lambda store: store.heads.lose(stream, seen, closed, self.now + 50)

    def _spill(self, stream: StreamId, head: Head | None) -> Step:
        clients = {"v": Sent(self._draw.randrange(5), 1)}
        generation = head.generation if head else "none"
        return lambda store: store.heads.spill(stream, generation, clients, self.now)

    def _forget(self, stream: StreamId, head: Head | None) -> Step:
        if head is None:
            return self._open(stream, head)
        clients = {name: sent for name, sent in head.clients.items() if self._draw.random() < 0.5}
        if self._draw.random() < 0.2:
            clients["v"] = Sent(77, 77)
        return lambda store: store.heads.forget(stream, head, clients, list(head.once)[:1])

    def _delete(self, stream: StreamId, head: Head | None) -> Step:
        if self._draw.random() < 0.5 and head is not None:
            return lambda store: store.heads.delete_spilled(stream, head.generation)
        return lambda store: store.heads.delete(stream)

    def _run(self, stream: StreamId, head: Head | None) -> Step:
        run = Run(stream.run, self.now, self.now + 60, self._draw.choice((None, "a")))
        leased = replace(run, lease=Lease(self.now + self._draw.choice((3, 9)), 5, self._holder()))
        status = self._draw.choice(("completed", "failed"))
        done = replace(run, completed=self.now, status=status, error="why")
        holder = self._holder()
        steps: list[Step] = [
            lambda store: store.runs.put(run),
            lambda store: store.runs.put(leased),
            lambda store: store.runs.release(stream.run, holder),
            lambda store: store.runs.extend(stream.run, self.now + 70),
            lambda store: store.runs.delete(stream.run),
            lambda store: store.runs.complete(done),
        ]
        return self._draw.choice(steps)

    def _segments(self, stream: StreamId, head: Head | None) -> Step:
        first = self._draw.randrange(5)
        last = first + self._draw.randrange(5)
        name = SegmentName(self._draw.choice("gh"), last, first, 1000 + last)
        start, end = sorted((self._draw.randrange(12), self._draw.randrange(12)))
        steps: list[Step] = [
            lambda store: store.segments.put(stream, name, b"0123456789"[: last + 1]),
            lambda store: store.segments.get(stream, name, start, end),
            lambda store: store.segments.names(stream, name.generation, first),
            lambda store: store.segments.delete(stream, [name, name._replace(first=9)]),
        ]
        return self._draw.choice(steps)

    def _batches(self, stream: StreamId, head: Head | None) -> Step:
        pointers = head.pending[self._draw.randrange(3) :] if head else ()
        if self._draw.random() < 0.2:
            return lambda store: store.batches.delete(stream, objects(pointers[:1]))
        return lambda store: fetched(store.batches, stream, pointers)


async def outcome(step: Step, store: Store) -> Any:
    """Return what a step answers, without what a store may leave out of a head."""
    try:
        answer = await step(store)
    except RunstreamsError as error:
        return type(error)
    if isinstance(answer, tuple) and answer and isinstance(answer[-1], Head):
        return answer[0], bare(answer[1])
    return bare(answer) if isinstance(answer, Head) else answer


def bare(head: Head) -> Head:
    return replace(head, pending=head.pending[-1:], clients={}, once={})


async def state(store: Store) -> list[Any]:
    """Return everything that can be seen from outside."""
    seen: list[Any] = [await store.runs.recent(2, None)]
    for run in "ab":
        seen.append(await store.runs.get(run))
        seen.append([key for key, _ in await store.heads.streams(run, 10, None)])
        seen.append([key for key, _ in await store.heads.streams(run, 10, "k")])
        for stream in (StreamId(run, "k"), StreamId(run, "l")):
            head = await store.heads.get(stream)
            seen.append(head)
            seen.append(await store.segments.generations(stream))
            if head is not None:
                seen.append(head.last_time)
                seen.append(await store.heads.spilled(stream, head.generation, "v"))
                seen.append(sorted(await store.heads.forks(stream, head.generation)))
    return seen


@pytest.mark.parametrize("seed", range(6))
async def test_every_step_has_the_outcome_that_it_has_in_memory(tmp_path: Path, seed: int) -> None:
    names, same_names, steps = count(), count(), Steps(seed)
    memory = MemoryStore(lambda: f"{next(names):032x}", PLAN)
    sqlite = SqliteStore(tmp_path, new_id=lambda: f"{next(same_names):032x}", plan=PLAN)
    try:
        for _ in range(STEPS):
            stream = steps.stream()
            step = steps.next(stream, await memory.heads.get(stream))
            assert await outcome(step, sqlite) == await outcome(step, memory)
            assert await state(sqlite) == await state(memory)
    finally:
        await sqlite.aclose()
