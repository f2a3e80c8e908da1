"""Deleting a stream: the head goes first, so what a broken-off deletion leaves nobody can read."""

from .model import StreamId
from .ports import Store
from .unsealed import objects


async def delete_stream(store: Store, stream: StreamId) -> bool:
    """Remove a stream's head, then its objects; return whether there was a head.

    Every generation listed before the head was removed is dead after it, since a new one is minted
    with each opening. Batches that are put but not committed yet are left alone: they belong to the
    next generation.
    """
    generations = await store.segments.generations(stream)
    head = await store.heads.delete(stream)
    if head is not None:
        await store.batches.delete(stream, objects(head.pending))
        await store.heads.delete_spilled(stream, head.generation)
        generations.append(head.generation)
    for generation in dict.fromkeys(generations):
        await _delete_segments(store, stream, generation)
    return head is not None


async def _delete_segments(store: Store, stream: StreamId, generation: str) -> None:
    while names := await store.segments.names(stream, generation, 0):
        await store.segments.delete(stream, names)
