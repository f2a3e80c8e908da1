"""Unsealed batches, wherever they lie: as objects, or in their pointers."""

from collections.abc import Iterable, Sequence

from .commit import stored
from .limits import Limits, SealingPlan
from .model import Batch, Head, Pointer, StoredBatch, StreamId, weight
from .ports import Batches, NewId, Staged

NAME, SHORT_NAME = 16, 4
"""Characters that tell a batch without a client from all others of its stream, and one that its
client's own numbers tell from them, from a resend of the same.
"""


def inline(batch: Batch, new_id: NewId) -> Staged:
    """Return *batch* as it is made ready to lie in its pointer, under a name that is as short as
    may be.
    """
    return Staged(new_id()[: NAME if batch.client is None else SHORT_NAME], batch, inline=True)


async def fetched(
    batches: Batches, stream: StreamId, pointers: Sequence[Pointer]
) -> list[StoredBatch]:
    """Return the batches of *pointers*, in their order; only objects are asked for. Raises
    `ObjectMissing`.
    """
    elsewhere = [pointer for pointer in pointers if pointer.batch is None]
    objects = iter(await batches.get(stream, elsewhere) if elsewhere else ())
    return [pointer.batch or next(objects) for pointer in pointers]


def objects(pointers: Iterable[Pointer]) -> list[str]:
    """Return the names of those batches that are objects."""
    return [pointer.object for pointer in pointers if pointer.batch is None]


def is_small(batch: Batch, limits: Limits, plan: SealingPlan) -> bool:
    """Say whether *batch* may lie in a pointer, of whatever head."""
    return len(batch.lines) <= limits.inline_bytes and weight(stored(batch)) <= plan.inlined_most


def is_light(head: Head, plan: SealingPlan) -> bool:
    """Say whether one more batch should lie in its pointer."""
    return head.inlined is not None and head.inlined < plan.inlined_enough


def weighs_enough(head: Head, plan: SealingPlan) -> bool:
    """Say whether so much lies in the pointers, or so many batches wait, that sealing pays."""
    return head.unsealed >= plan.every or (head.inlined or 0) >= plan.inlined_every


def makes_sealing_due(head: Head, plan: SealingPlan) -> bool:
    """Say whether the append that led to *head* should seal: one in every few does, so that
    writers do not stampede.
    """
    if head.unsealed % plan.every == 0:
        return head.unsealed > 0
    if not head.pending or not head.inlined:
        return False
    before = head.inlined - head.pending[-1].weight
    return head.inlined // plan.inlined_every > before // plan.inlined_every
