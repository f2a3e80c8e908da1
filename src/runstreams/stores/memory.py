"""Everything in one process's memory, for tests: the smallest store that keeps the contract."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ..core.commit import amended, applied, begun, fits, may_amend, takes
from ..core.errors import ObjectMissing
from ..core.fencing import may_pass, taken_over
from ..core.forks import fork_ref, may_fork, may_go, source_gone
from ..core.leasing import may_follow, reach
from ..core.limits import MIB, NAMES_AT_ONCE, NO_LIMITS, Limits, SealingPlan
from ..core.model import (
    Amendment,
    Batch,
    Closed,
    Fork,
    ForkRef,
    Head,
    Lease,
    Pointer,
    Run,
    SegmentName,
    Sent,
    StoredBatch,
    StreamId,
)
from ..core.ports import Committed, NewId, NotCommitted, Opened, Renewed, Staged, Terms
from ..core.position import is_left_behind
from ..core.runs import completed, opened, registered, released
from ..core.unsealed import inline, is_light, is_small

V = TypeVar("V")


class MemoryStore:
    """Heads, runs and objects in dictionaries. No method awaits, so each is atomic."""

    changes = None
    mark = ""
    window = 8 * MIB

    def __init__(
        self, new_id: NewId, plan: SealingPlan | None = None, *, inlines: bool = False
    ) -> None:
        """Let small batches lie in their pointers if it *inlines*."""
        self.plan = plan or SealingPlan()
        self.heads = MemoryHeads(self.plan, inlines)
        self.runs = self.heads.runs
        self.batches = MemoryBatches(new_id, self.heads)
        self.segments = MemorySegments()

    async def aclose(self) -> None:
        """Nothing to let go of."""


class MemoryBatches:
    """The batches of appends by name."""

    def __init__(self, new_id: NewId, heads: "MemoryHeads") -> None:
        self._new_id = new_id
        self._heads = heads
        self.objects: dict[str, StoredBatch] = {}

    async def put(self, stream: StreamId, batch: Batch, limits: Limits = NO_LIMITS) -> Staged:
        if self._heads.may_inline(stream, batch, limits):
            return inline(batch, self._new_id)
        name = self._new_id()
        self.objects[name] = StoredBatch(batch.lines, batch.client, batch.number)
        return Staged(name, batch)

    async def get(self, stream: StreamId, pointers: Sequence[Pointer]) -> list[StoredBatch]:
        try:
            return [self.objects[pointer.object] for pointer in pointers]
        except KeyError as error:
            raise ObjectMissing(f"batch {error} is gone") from None

    async def delete(self, stream: StreamId, objects: Sequence[str]) -> None:
        for name in objects:
            self.objects.pop(name, None)


class MemorySegments:
    """Segments by stream and name."""

    def __init__(self) -> None:
        self.objects: dict[StreamId, dict[SegmentName, bytes]] = {}

    async def put(self, stream: StreamId, name: SegmentName, body: bytes) -> None:
        self.objects.setdefault(stream, {})[name._replace(size=0)] = body

    async def get(self, stream: StreamId, name: SegmentName, start: int, end: int) -> bytes:
        try:
            return self.objects[stream][name._replace(size=0)][start:end]
        except KeyError:
            raise ObjectMissing(f"segment {name} is gone") from None

    async def names(self, stream: StreamId, generation: str, index: int) -> list[SegmentName]:
        found = (
            name._replace(size=len(body))
            for name, body in self.objects.get(stream, {}).items()
            if name.generation == generation and name.last >= index
        )
        return sorted(found)[:NAMES_AT_ONCE]

    async def generations(self, stream: StreamId) -> list[str]:
        return sorted({name.generation for name in self.objects.get(stream, {})})

    async def delete(self, stream: StreamId, names: Sequence[SegmentName]) -> None:
        for name in names:
            self.objects.get(stream, {}).pop(name._replace(size=0), None)


class MemoryHeads:
    """Heads by run and key."""

    def __init__(self, plan: SealingPlan, inlines: bool) -> None:
        self._plan = plan
        self._inlines = inlines
        self.runs = MemoryRuns()
        self.items: dict[str, dict[str, Head]] = {}
        self.outside: dict[tuple[StreamId, str], dict[str, Sent]] = {}
        self.forked: dict[tuple[StreamId, str], list[ForkRef]] = {}

    async def get(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        return self._find(stream)

    async def open(
        self,
        stream: StreamId,
        head: Head,
        run: Run,
        limits: Limits = NO_LIMITS,
        first: Staged | None = None,
    ) -> Opened:
        there = self._find(stream)
        if there and (there.expires <= head.created or is_left_behind(there, limits.epoch)):
            there = None
        source = self._source(head.fork) if there is None and head.fork else None
        counts = NO_LIMITS if there else limits
        self.runs.items[run.id] = opened(self.runs.items.get(run.id), run, counts)
        if there is not None:
            return Opened(False, there)
        if source is not None and head.fork is not None:
            self._register(fork_ref(stream, head, limits), source, head.fork)
        if self._inlines and limits.inline_bytes:
            head = replace(head, inlined=0)
        return Opened(True, self._keep(stream, begun(head, first, limits) if first else head))

    def _source(self, fork: Fork) -> Head:
        source = self._find(fork.source)
        if source is None or not may_fork(source, fork):
            raise source_gone()
        return source

    def _register(self, ref: ForkRef, source: Head, fork: Fork) -> None:
        self._keep(fork.source, replace(source, forks=source.forks + 1))
        self.forked.setdefault((fork.source, fork.generation), []).append(ref)

    def may_inline(self, stream: StreamId, batch: Batch, limits: Limits) -> bool:
        """Say whether *batch* may lie in its pointer, as far as one knows before its commit."""
        if not self._inlines or not is_small(batch, limits, self._plan):
            return False
        head = self._find(stream)
        return head is None or (is_light(head, self._plan) and takes(head, batch, self._plan))

    async def commit(
        self, stream: StreamId, staged: Staged, terms: Terms, skip: int, limits: Limits
    ) -> Committed | NotCommitted:
        head, batch = self._find(stream), staged.batch.rest(skip)
        if head is None or not fits(head, batch, terms, limits, self._plan):
            return NotCommitted(head)
        if staged.inline and not takes(head, batch, self._plan):
            return NotCommitted(head, elsewhere=True)
        after = applied(head, staged, terms, skip, batch, limits)
        return Committed(head.tail, self._keep(stream, after), whole=True)

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
        head = self._find(stream)
        if head is None or head.expires <= now:
            return None
        if head.closed is None and may_pass(head, fence):
            head = self._keep(
                stream, replace(head, closed=closed, closed_by_run=by_run, expires=expires)
            )
        return head

    async def amend(self, stream: StreamId, amendment: Amendment, now: int) -> Head | None:
        head = self._find(stream)
        if head is None or head.expires <= now or not may_amend(head, amendment):
            return None
        return self._keep(stream, amended(head, amendment))

    async def ask_stop(self, stream: StreamId, now: int) -> Head | None:
        head = self._find(stream)
        if head is None or head.expires <= now:
            return None
        return self._keep(stream, replace(head, stop=True))

    async def renew(
        self, stream: StreamId, lease: Lease, now: int, fence: int | None = None
    ) -> Renewed:
        head = self._find(stream)
        if head is None or head.closed is not None or head.expires <= now:
            return Renewed(False, head)
        if not may_follow(head.lease, lease) or not may_pass(head, fence):
            return Renewed(False, head)
        return Renewed(True, self._keep(stream, replace(head, lease=lease)))

    async def take_over(
        self, stream: StreamId, lease: Lease | None, now: int, limits: Limits
    ) -> Renewed:
        head = self._find(stream)
        if head is None or head.closed is not None or head.expires <= now:
            return Renewed(False, head)
        if is_left_behind(head, limits.epoch):
            return Renewed(False, head)
        return Renewed(True, self._keep(stream, taken_over(head, lease)))

    async def release(self, stream: StreamId, holder: str) -> Head | None:
        head = self._find(stream)
        if head is None or head.lease is None or head.lease.holder != holder:
            return head
        return self._keep(stream, replace(head, lease=None))

    async def use(self, stream: StreamId, generation: str, expires: int, now: int) -> None:
        head = self._find(stream)
        if head is not None and head.generation == generation and now < head.expires < expires:
            self._keep(stream, replace(head, expires=expires))

    async def lose(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        head = self._find(stream)
        if head is None or head.closed is not None:
            return False
        if not _is_silent_since(head, seen):
            return False
        self._keep(stream, replace(head, closed=closed, expires=expires))
        return True

    async def seal(self, stream: StreamId, seen: Head, upto: Pointer, count: int) -> bool:
        head = self._find(stream)
        if head is None or not _is_as_seen(head, seen):
            return False
        self._keep(
            stream,
            replace(
                head,
                sealed=upto.end,
                sealed_time=upto.time,
                unsealed=head.unsealed - count,
                pending=head.pending[count:],
                inlined=_less(head.inlined, head.pending[:count]),
            ),
        )
        return True

    async def spilled(self, stream: StreamId, generation: str, client: str) -> Sent | None:
        return self.outside.get((stream, generation), {}).get(client)

    async def spill(
        self, stream: StreamId, generation: str, clients: Mapping[str, Sent], expires: int
    ) -> None:
        kept = self.outside.setdefault((stream, generation), {})
        for client, sent in clients.items():
            if client not in kept or kept[client].number < sent.number:
                kept[client] = sent

    async def forget(
        self, stream: StreamId, seen: Head, clients: Mapping[str, Sent], once: Sequence[str]
    ) -> bool:
        head = self._find(stream)
        if head is None or head.generation != seen.generation:
            return False
        if any(head.clients.get(client) != sent for client, sent in clients.items()):
            return False
        self._keep(
            stream,
            replace(
                head,
                clients=_without(head.clients, clients),
                once=_without(head.once, once),
                spills=head.spills + 1,
            ),
        )
        return True

    async def streams(
        self, run: str, limit: int, after: str | None, *, bare: bool = False
    ) -> list[tuple[str, Head]]:
        items = self.items.get(run, {})
        keys = [key for key in sorted(items) if after is None or key > after][:limit]
        return [(key, _bare(items[key]) if bare else items[key]) for key in keys]

    async def delete(self, stream: StreamId, seen: Head | None = None) -> Head | None:
        head = self._find(stream)
        if head is not None and may_go(head, seen):
            del self.items[stream.run][stream.key]
        return head

    async def bury(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        head = self._find(stream)
        if head is None or head.generation != seen.generation:
            return False
        self._keep(stream, replace(head, closed=closed, closed_by_run=False, expires=expires))
        return True

    async def forks(self, stream: StreamId, generation: str) -> list[ForkRef]:
        return list(self.forked.get((stream, generation), ()))

    async def forget_fork(self, stream: StreamId, generation: str, fork: ForkRef) -> None:
        refs = self.forked.get((stream, generation), [])
        refs[:] = [ref for ref in refs if ref.generation != fork.generation]

    async def delete_spilled(self, stream: StreamId, generation: str) -> None:
        self.outside.pop((stream, generation), None)

    def _find(self, stream: StreamId) -> Head | None:
        return self.items.get(stream.run, {}).get(stream.key)

    def _keep(self, stream: StreamId, head: Head) -> Head:
        self.items.setdefault(stream.run, {})[stream.key] = head
        return head


def _bare(head: Head) -> Head:
    """Return what a listing that needs no more gives of *head*."""
    return replace(head, pending=(), clients={}, once={})


class MemoryRuns:
    """Runs by id."""

    def __init__(self) -> None:
        self.items: dict[str, Run] = {}

    async def get(self, run: str) -> Run | None:
        return self.items.get(run)

    async def put(self, run: Run) -> Run:
        self.items[run.id] = registered(self.items.get(run.id), run)
        return self.items[run.id]

    async def complete(self, run: Run) -> Run:
        self.items[run.id] = completed(self.items.get(run.id), run)
        return self.items[run.id]

    async def release(self, run: str, holder: str) -> Run | None:
        record = released(self.items.get(run), holder)
        if record is not None:
            self.items[run] = record
        return record

    async def extend(self, run: str, expires: int) -> None:
        there = self.items.get(run)
        if there is not None and there.completed is None:
            self.items[run] = replace(there, expires=max(there.expires, expires))

    async def delete(self, run: str) -> None:
        self.items.pop(run, None)

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[Run]:
        newest = sorted(self.items.values(), key=lambda run: (run.created, run.id), reverse=True)
        return [run for run in newest if after is None or (run.created, run.id) < after][:limit]


def _is_as_seen(head: Head, seen: Head) -> bool:
    return (head.generation, head.sealed) == (seen.generation, seen.sealed)


def _less(inlined: int | None, gone: Iterable[Pointer]) -> int | None:
    return None if inlined is None else inlined - sum(pointer.weight for pointer in gone)


def _is_silent_since(head: Head, seen: Head) -> bool:
    same = head.generation == seen.generation and head.tail == seen.tail
    return same and reach(head.lease) == reach(seen.lease)


def _without(mapping: Mapping[str, V], keys: Iterable[str]) -> dict[str, V]:
    gone = set(keys)
    return {key: value for key, value in mapping.items() if key not in gone}
