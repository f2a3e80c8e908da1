"""Deleting a stream: the head goes first, so what a broken-off deletion leaves nobody can read.

A stream is only marked as deleted while others need its chunks that were forked from it. Whoever
deletes the last of those removes it for good, and so on up to the stream that all came from.
"""

from .errors import Busy
from .forks import fork_ref, may_go, origins
from .limits import FORGOTTEN_MS, Limits
from .model import DELETED, Closed, Fork, ForkRef, Head, StreamId
from .ports import Clock, Store
from .retention import is_expired
from .unsealed import objects

ATTEMPTS = 8
"""How often a deletion looks again: meanwhile the stream is forked, or its forks are deleted."""

BURIED = Closed("canceled", "it was deleted", DELETED)
"""How a stream ends that is kept for its forks."""


class Deleter:
    """Removes streams, and keeps what others need of them."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock

    async def delete(self, stream: StreamId) -> bool:
        """Remove a stream's head, then its objects, or else mark it as deleted; return whether
        there was a stream. Raises `Busy`.

        Every generation listed before the head was removed is dead after it, since a new one is
        minted with each opening; those that others need stay. Batches that are put but not
        committed yet are left alone: they belong to the next generation.
        """
        generations = await self._store.segments.generations(stream)
        head = await self._store.heads.delete(stream)
        gone = await self._remove(stream, head) if head is not None and head.forks else head
        if gone is not None:
            await self._clean(stream, gone)
            await self._delete_segments(stream, gone.generation)
        for generation in generations:
            # Those of a head that stands go after it, by whoever removes it.
            if head is None or generation != head.generation:
                await self._delete_unneeded(stream, generation)
        await self._let_all_go(gone)
        return head is not None and not head.is_buried

    async def _remove(self, stream: StreamId, head: Head) -> Head | None:
        """Remove the *head* of a stream that has been forked, or bury it; return it if it was
        removed here.
        """
        for _ in range(ATTEMPTS):
            if not await self._is_needed(stream, head.generation):
                found = await self._store.heads.delete(stream, head)
                if found is None or may_go(found, head):
                    return found
            elif head.is_buried:
                return None
            else:
                until = self._clock() + self._limits.retention_ms
                await self._store.heads.bury(stream, head, BURIED, until)
            # Its last fork may have gone before it was buried, and found nothing to remove.
            if (fresh := await self._store.heads.get(stream)) is None:
                return None
            head = fresh
        raise Busy("the stream is forked faster than it can be deleted", retry_after=1)

    async def _let_all_go(self, gone: Head | None) -> None:
        """Remove what only a stream needed that is *gone*, and what only those did, and so on."""
        while gone is not None and gone.fork is not None:
            gone = await self._let_go(gone.fork)

    async def _let_go(self, fork: Fork) -> Head | None:
        """Remove what only *fork* needed, which is gone; return the head of a stream that went."""
        for stream, generation in origins(fork):
            # In this order: its removal demands that it was not forked since its head was read.
            head = await self._store.heads.get(stream)
            if await self._is_needed(stream, generation):
                return None
            if head is not None and head.generation == generation:
                return await self._remove_buried(stream, head) if head.is_buried else None
            # Forgotten, so that nobody else would remove them.
            await self._delete_segments(stream, generation)
        return None

    async def _remove_buried(self, stream: StreamId, head: Head) -> Head | None:
        """Remove a stream that nobody needs; return its head if it was removed here."""
        found = await self._store.heads.delete(stream, head)
        if found is None or not may_go(found, head):
            return None
        await self._clean(stream, found)
        await self._delete_segments(stream, found.generation)
        return found

    async def _is_needed(self, stream: StreamId, generation: str) -> bool:
        """Say whether a fork of this *generation* lives."""
        for fork in await self._store.heads.forks(stream, generation):
            if await self._lives(fork):
                return True
        return False

    async def _lives(self, fork: ForkRef) -> bool:
        """Say whether a fork, or one of that, needs what it has of others."""
        long_ago = self._clock() - FORGOTTEN_MS
        if fork.expires <= long_ago:
            return False
        head = await self._store.heads.get(fork.stream)
        is_itself = head is not None and head.generation == fork.generation and not head.is_buried
        if head is not None and is_itself and not is_expired(head, long_ago, self._limits):
            return True
        return await self._is_needed(fork.stream, fork.generation)

    async def _clean(self, stream: StreamId, head: Head) -> None:
        """Remove what a head that is gone led to, but for segments."""
        await self._store.batches.delete(stream, objects(head.pending))
        await self._store.heads.delete_spilled(stream, head.generation)
        if (fork := head.fork) is not None:
            ref = fork_ref(stream, head, self._limits)
            await self._store.heads.forget_fork(fork.source, fork.generation, ref)

    async def _delete_unneeded(self, stream: StreamId, generation: str) -> None:
        if not await self._is_needed(stream, generation):
            await self._delete_segments(stream, generation)

    async def _delete_segments(self, stream: StreamId, generation: str) -> None:
        while names := await self._store.segments.names(stream, generation, 0):
            await self._store.segments.delete(stream, names)
