"""Sealing: many small batches become few indexed segments.

Sealing never shows. A segment is written first, then one conditional update of the head moves the
sealed index and drops the batches' pointers; only then are the batches deleted. A sealer that loses
the race leaves a segment of true data, which is harmless. Merging needs no update at all: the large
segment is written beside the small ones, and only then are those deleted; readers choose the
segment that reaches furthest.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from .cleaning import cleaned
from .errors import Busy, ObjectMissing, StoreFull, Uncertain
from .limits import DAY_MS, Limits
from .merging import Merger
from .model import Head, Pointer, SegmentName, Sent, StreamId
from .ports import Clock, Store
from .retention import cutoff
from .segment import SealedBatch, build
from .unsealed import fetched, makes_sealing_due, objects, weighs_enough

_CLIENT_MARGIN_MS = DAY_MS
"""How much longer than the stream's last chunk a moved-out client is remembered, for clocks that
differ.
"""

_LOST_ROUNDS = 8
"""How often sealing a closed stream's leftovers may meet a fault or lose a race before it leaves
them unsealed.
"""

PASSING = (Busy, Uncertain, StoreFull, ObjectMissing)
"""What sealing may meet without harm: a later append tries again."""


class Sealer:
    """Seals and merges one stream at a time."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._plan = store.plan
        self._merger = Merger(store)

    def is_due(self, head: Head) -> bool:
        """Say whether the append that led to *head* should seal."""
        return makes_sealing_due(head, self._plan)

    async def seal(
        self, stream: StreamId, seen: Head | None = None, *, only_enough: bool = False
    ) -> bool:
        """Seal the oldest batches once, with *only_enough* if that pays, and merge what has
        gathered; return whether anything was sealed. A whole head that was just *seen* need not be
        read.

        Never raises for a passing fault: a later append seals.
        """
        try:
            head = seen or await self._store.heads.get(stream)
            if head is None or not head.pending:
                return False
            if only_enough and not weighs_enough(head, self._plan):
                return False
            await self._move_clients_out(stream, head)
            chosen = self._choose(head.pending)
            if not await self._seal(stream, head, chosen):
                return False
            if self._may_merge(head, chosen):
                await self._merger.merge(stream, head.generation, chosen[-1].end)
        except PASSING:
            return False
        return True

    async def keep_up(self, stream: StreamId, seen: Head | None = None) -> None:
        """Seal until less is left than makes sealing due, however fast the appends are."""
        while await self.seal(stream, seen, only_enough=True):
            seen = None

    async def seal_all(self, stream: StreamId) -> None:
        """Seal and merge everything a closed stream has left."""
        lost = 0
        while lost < _LOST_ROUNDS:
            lost += not await self.seal(stream)
            head = await self._store.heads.get(stream)
            if head is None:
                return
            if not head.pending:
                with suppress(*PASSING):
                    await self._merger.merge(stream, head.generation, head.sealed, finally_=True)
                return

    def _choose(self, pending: Sequence[Pointer]) -> list[Pointer]:
        plan, chosen, size, chunks = self._plan, list[Pointer](), 0, 0
        for pointer in pending[: plan.batches]:
            size, chunks = size + pointer.size, chunks + pointer.count
            if chosen and (size > plan.segment_bytes or chunks > plan.segment_chunks):
                break
            chosen.append(pointer)
        return chosen

    async def _seal(self, stream: StreamId, head: Head, chosen: Sequence[Pointer]) -> bool:
        # What has expired is dropped instead of written.
        gone = cutoff(self._clock(), self._limits)
        kept = [pointer for pointer in chosen if pointer.time > gone]
        if kept:
            await self._write(stream, head, kept)
        if not await self._store.heads.seal(stream, head, chosen[-1], len(chosen)):
            return False
        if sealed := objects(chosen):
            await cleaned(self._store.batches.delete(stream, sealed))
        return True

    async def _write(self, stream: StreamId, head: Head, kept: Sequence[Pointer]) -> None:
        stored = await fetched(self._store.batches, stream, kept)
        parts = []
        for pointer, batch in zip(kept, stored, strict=True):
            lines = (
                batch.lines.split(b"\n", pointer.skip)[pointer.skip]
                if pointer.skip
                else batch.lines
            )
            sealed = SealedBatch(
                pointer.count, pointer.time, batch.client, batch.number + pointer.skip
            )
            parts.append((sealed, lines))
        first, last = kept[0].first, kept[-1]
        name = SegmentName(head.generation, last.end - 1, first, last.time)
        await self._store.segments.put(stream, name, build(first, parts))

    def _may_merge(self, head: Head, chosen: Sequence[Pointer]) -> bool:
        """Say whether to look for segments to merge: once in about every few seals, since looking
        costs a LIST.

        The sealed index moves by what was chosen; when it crosses a multiple of a few such strides,
        it is time.
        """
        stride = self._plan.fan_in * (chosen[-1].end - chosen[0].first)
        return chosen[-1].end // stride > head.sealed // stride

    async def _move_clients_out(self, stream: StreamId, head: Head) -> None:
        """Keep the head small: only the latest clients and one-shot appends stay in it."""
        most = self._plan.clients
        if most is None:
            return
        enough = most + self._plan.clients_slack
        if len(head.clients) < enough and len(head.once) < enough:
            return
        idle = _oldest({client: sent.index for client, sent in head.clients.items()}, most)
        clients: dict[str, Sent] = {client: head.clients[client] for client in idle}
        until = head.expires + _CLIENT_MARGIN_MS
        await self._store.heads.spill(stream, head.generation, clients, until)
        await self._store.heads.forget(stream, head, clients, _oldest(head.once, most))


def _oldest(indexes: Mapping[str, int], most: int) -> list[str]:
    return sorted(indexes, key=indexes.__getitem__)[: max(len(indexes) - most, 0)]
