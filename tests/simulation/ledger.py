"""What truly happened: the simulation's own record of every effect, and what follows from it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runstreams.core.limits import LEASE_GRACE_MS, Limits, SealingPlan
from runstreams.core.model import (
    Batch,
    Fence,
    Fork,
    Head,
    Run,
    SegmentName,
    Span,
    StoredChunk,
    StreamId,
)
from runstreams.core.ports import Committed, Staged
from runstreams.core.retention import is_expired
from runstreams.core.segment import parse_index
from runstreams.stores.memory import MemoryStore


class Violation(AssertionError):
    """Something that must never be."""


def require(condition: bool, what: str) -> None:
    """Raise `Violation` saying *what* unless *condition*."""
    if not condition:
        raise Violation(what)


@dataclass(frozen=True, slots=True)
class Entry:
    """A committed chunk."""

    data: bytes
    time: int
    client: str | None
    once: str | None


@dataclass(slots=True)
class Ledger:
    """Every generation's chunks in the order in which they were committed."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    closed: set[str] = field(default_factory=set)
    """Generations that were closed."""
    lost_ones: set[str] = field(default_factory=set)
    """Generations whose producer was lost."""
    fences: dict[str, Fence] = field(default_factory=dict)
    """Of generations that were taken over, how often and at which tail."""
    told_by: dict[str | None, str] = field(default_factory=dict)
    """Of clients that know a fence, or are about to, which generation it is of."""
    unaware: set[tuple[str, str | None]] = field(default_factory=set)
    """Clients of a generation that wrote on after it was taken over, as they knew no fence yet."""
    superseded: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """Of each generation, the chunks that no longer count, and at which tail that was said."""
    stream_of: dict[str, StreamId] = field(default_factory=dict)
    places: dict[bytes, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    """Where each chunk's data went: generation and index."""

    def committed(self, stream: StreamId, staged: Staged, skip: int, done: Committed) -> None:
        """Record a commit."""
        generation, pointer = done.head.generation, done.head.pending[-1]
        require(generation not in self.closed, "a closed stream took a chunk")
        chunks = self.entries[generation]
        self.stream_of[generation] = stream
        require(done.first == len(chunks), f"a commit got index {done.first}, not {len(chunks)}")
        batch = staged.batch
        self._check_fence(generation, batch)
        for data in batch.lines.split(b"\n")[skip:-1]:
            self.places[data].append((generation, len(chunks)))
            chunks.append(Entry(data, pointer.time, batch.client, batch.once))
        if batch.supersedes is not None and not skip:
            for index in range(batch.supersedes, done.first):
                self.superseded[generation].setdefault(index, done.first)
        self.check_superseded(generation, done.head.superseded, len(chunks))

    def check_superseded(self, generation: str, spans: Iterable[Span], tail: int) -> None:
        """Require that *spans* are what no longer counted when the stream had *tail* chunks."""
        said = {index for span in spans for index in range(span.start, span.end)}
        truth = {index for index, at in self.superseded[generation].items() if at < tail}
        require(said == truth, f"{said} are told to be superseded, but {truth} are")

    def taken_over(self, head: Head) -> None:
        """Record that a stream was taken over."""
        before = self.fences.get(head.generation, Fence(0, 0))
        fence = Fence(before.number + 1, len(self.entries[head.generation]))
        require(head.fence == fence, f"a stream was taken over as {head.fence}, not {fence}")
        self.fences[head.generation] = fence

    def check_late_close(self, before: Head | None, after: Head, fence: int | None) -> None:
        """Require that no writer has closed a stream that was taken over since it began."""
        if before is None or before.closed is not None or after.closed is None or fence is None:
            return
        there = self.fences.get(after.generation, Fence(0, 0))
        require(there.number <= fence, "a writer that was kept out closed the stream")

    def _check_fence(self, generation: str, batch: Batch) -> None:
        """Require that *batch* comes from nobody who is kept out: by its fence, and by what its
        client wrote before.
        """
        there = self.fences.get(generation)
        if batch.fence is None:
            self.told_by[batch.client] = generation
        if there is None:
            return
        if batch.fence is None:
            self.unaware.add((generation, batch.client))
            return
        if self.told_by.get(batch.client, generation) != generation:
            return  # the stream that it knows was deleted, and this one counts from none again
        require(batch.fence >= there.number, "a writer that was kept out wrote on")
        earlier = {entry.client for entry in self.entries[generation][: there.since]}
        is_unaware = (generation, batch.client) in self.unaware
        is_new = is_unaware or batch.client not in earlier
        require(is_new, "a writer from before took itself for a later one")

    def forked(self, head: Head) -> None:
        """Record that a stream was opened that has chunks of others."""
        for strand in head.fork.strands if head.fork else ():
            chunks = self.entries[head.generation]
            chunks += self.entries[strand.generation][len(chunks) : strand.end]
        require(head.sealed == len(self.entries[head.generation]), "a fork has a wrong tail")
        if head.fork is not None:
            self._inherit(head, head.fork)

    def _inherit(self, head: Head, fork: Fork) -> None:
        """Record which chunks of others do not count in a fork: as they did not in its source, at
        some moment since that had so many.
        """
        source = self.superseded[fork.generation]
        said = {index for span in head.superseded for index in range(span.start, span.end)}
        certain = {index for index, at in source.items() if index < fork.end and at < fork.end}
        require(certain <= said <= source.keys(), f"of {source}, a fork says {said}")
        self.superseded[head.generation] = dict.fromkeys(said, -1)

    def lost(self, before: Head | None, generation: str, promises: list[int], now: int) -> None:
        """Record that a stream was closed since its producer was lost; *now* is by the fastest
        clock, *promises* are those of producers that live.
        """
        self.lost_ones.add(generation)
        assert before is not None
        require(before.generation == generation, "another stream was lost than was seen")
        require(before.lease is not None, "a stream was lost that nobody had leased")
        assert before.lease is not None
        heard = [entry.time + before.lease.ms for entry in self.entries[generation][-1:]]
        until = max([before.lease.until, *heard, *promises])
        require(until + LEASE_GRACE_MS <= now, "a producer that lives was taken for lost")

    def holds(self, data: bytes, index: int) -> bool:
        """Say whether *data* was committed at *index* of some generation."""
        return any(at == index for _, at in self.places.get(data, ()))

    def check_chunks(self, generation: str, chunks: Sequence[StoredChunk]) -> None:
        """Require that *chunks* are what was committed, one after the other."""
        truth = self.entries.get(generation, [])
        indexes = [chunk.index for chunk in chunks]
        if indexes:
            require(
                indexes == list(range(indexes[0], indexes[0] + len(indexes))),
                f"a page jumps: {indexes}",
            )
        for chunk in chunks:
            require(chunk.index < len(truth), f"chunk {chunk.index} was read but never committed")
            entry = truth[chunk.index]
            require(
                (chunk.data, chunk.timestamp) == (entry.data, entry.time),
                f"chunk {chunk.index} was read as {chunk}, but it is {entry}",
            )

    def check_segment(self, name: SegmentName, body: bytes) -> None:
        """Require that a segment holds what its name says, and that all of it is true."""
        index = parse_index(body)
        require((index.first, index.end - 1) == (name.first, name.last), f"{name} is misnamed")
        data = body[: index.position(index.end)]
        chunks = index.chunks(data, index.first, index.end)
        self.check_chunks(name.generation, chunks)
        require(chunks[-1].timestamp == name.time, f"{name} tells a wrong time")

    def check_once(self, window: int | None) -> None:
        """Require that no chunk landed twice in a generation; one-shot appends within *window*
        others.
        """
        for data, places in self.places.items():
            seen: dict[str, int] = {}
            for generation, index in places:
                if generation in seen:
                    between = self.entries[generation][seen[generation] + 1 : index]
                    others = {entry.once for entry in between if entry.once}
                    entry = self.entries[generation][index]
                    require(
                        entry.once is not None and window is not None and len(others) >= window,
                        f"chunk {data!r} landed twice, at {seen[generation]} and {index}",
                    )
                seen[generation] = index

    def check_times(self) -> None:
        """Require that time never goes backwards along a stream."""
        for entries in self.entries.values():
            times = [entry.time for entry in entries]
            require(times == sorted(times), "time goes backwards along a stream")


def check_lease(
    before: Head | None, after: Head | None, method: str, args: tuple[Any, ...]
) -> None:
    """Require that a step takes nothing from a lease, unless it releases that very one, and that a
    stream which has ended stays as it ended.
    """
    if before is None or after is None or before.generation != after.generation:
        return
    if before.closed is not None and not after.is_buried:
        require(before.closed == after.closed, "a stream has ended in two ways")
        require(after.lease in (before.lease, None), "a stream was leased after its end")
    if before.lease is None or before.lease == after.lease or method == "take_over":
        return
    if after.lease is None:
        own = method == "release" and args[1] == before.lease.holder
        require(own, f"{method} took the lease of another producer away")
        return
    require(after.lease.until >= before.lease.until, "a promise was forgotten")
    require(after.lease.ms >= before.lease.ms, "a sign of life counts for less than was promised")


def audit(store: MemoryStore, ledger: Ledger, stream: StreamId, now: int, limits: Limits) -> None:
    """Require that every chunk of the live stream can be read at this very moment, unless it has
    expired by the slowest clock (*now*).
    """
    head = store.heads.items.get(stream.run, {}).get(stream.key)
    if head is None:
        return
    require(head.tail == len(ledger.entries[head.generation]), "the tail is not the last chunk's")
    ledger.check_superseded(head.generation, head.superseded, head.tail)
    _check_pending(store.batches.objects.keys(), head, now - limits.retention_ms)
    truth = ledger.entries[head.generation]
    expired = sum(entry.time <= now - limits.retention_ms for entry in truth)
    names = store.segments.objects.get(stream, {})
    holding = [name for name in names if name.generation == head.generation]
    _check_covered(holding, expired, head.sealed)


def audit_fork(
    store: MemoryStore, ledger: Ledger, stream: StreamId, head: Head, now: int, limits: Limits
) -> None:
    """Require that all that a fork has of others can be read at this very moment, unless that has
    expired, or the fork has, by the slowest clock (*now*).
    """
    if head.fork is None or head.is_buried or is_expired(head, now, limits):
        return
    truth = ledger.entries[head.generation][: head.fork.end]
    expired = sum(entry.time <= now - limits.retention_ms for entry in truth)
    holding = [
        name._replace(last=min(name.last, strand.end - 1))
        for strand in head.fork.strands
        for name in store.segments.objects.get(strand.stream, {})
        if name.generation == strand.generation and name.first < strand.end
    ]
    _check_covered(holding, expired, head.fork.end)


def _check_pending(objects: Iterable[str], head: Head, gone: int) -> None:
    require(head.unsealed == len(head.pending), "the number of unsealed batches is wrong")
    at = head.sealed
    for pointer in head.pending:
        require(pointer.first == at, f"the pointers jump from {at} to {pointer.first}")
        require(
            pointer.batch is not None or pointer.object in objects or pointer.time <= gone,
            f"the batch of chunk {pointer.first} is gone, but not sealed",
        )
        at = pointer.end
    require(at == head.tail, "the pointers end before the tail")
    inline = [pointer.weight for pointer in head.pending if pointer.batch is not None]
    if head.inlined is None:
        require(not inline, "a batch lies in a head of which not everybody knows that it may")
    else:
        require(sum(inline) == head.inlined, "what lies in the pointers is miscounted")


def _check_covered(names: Iterable[SegmentName], first: int, sealed: int) -> None:
    at = first
    for name in sorted(names, key=lambda name: name.first):
        if name.first <= at:
            at = max(at, name.last + 1)
    require(at >= sealed, f"no segment holds chunk {at}, but {sealed} are sealed")


def audit_run(head: Head | None, run: Run | None, now: int) -> None:
    """Require that a run's record outlives its stream, unless it was completed."""
    if head is not None and head.expires > now and run is not None and run.completed is None:
        require(run.expires > now, "a run is forgotten before its stream")


def audit_size(head: Head | None, plan: SealingPlan, limits: Limits) -> None:
    """Require that what an append rewrites stays small, however many have written."""
    if head is None:
        return
    if limits.stream_bytes:
        require(head.size <= limits.stream_bytes, f"the stream has taken {head.size} bytes")
    require(head.unsealed <= plan.unsealed, f"{head.unsealed} batches are not sealed")
    require((head.inlined or 0) <= plan.inlined_most, f"{head.inlined} bytes lie in the pointers")
    if plan.clients is not None:
        # More can gather only until the next seal that works.
        most = plan.clients + plan.clients_slack + 2 * plan.unsealed
        require(len(head.clients) <= most, f"{len(head.clients)} clients stand in the head")
        require(len(head.once) <= most, f"{len(head.once)} one-shot appends stand in the head")
