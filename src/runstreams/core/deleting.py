"""Deleting a stream: the head goes first, so what a broken-off deletion leaves nobody can read.

A stream is only marked as deleted while others need its chunks that were forked from it. Whoever
deletes the last of those removes it for good, and so on up to the stream that all came from.
"""

from .errors import Busy
from .forks import may_go
from .limits import Limits
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
        was_there = head is not None and not head.is_buried
        if head is not None and head.forks:
            head = await self._remove(stream, head)
        if head is not None:
            await self._clean(stream, head)
            generations.append(head.generation)
        for generation in dict.fromkeys(generations):
            if not await self._is_needed(stream, generation):
                await self._delete_segments(stream, generation)
        fork = head.fork if head else None
        while fork is not None:
            fork = await self._let_go(fork)
        return was_there

    async def is_kept(self, stream: StreamId) -> bool:
        """Say whether the stream was deleted and is kept for its forks. One that none of them needs
        any more is removed.
        """
        head = await self._store.heads.get(stream)
        if head is None or not head.is_buried:
            return False
        if await self._is_needed(stream, head.generation):
            return True
        fork = await self._finish(stream, head)
        while fork is not None:
            fork = await self._let_go(fork)
        return False

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

    async def _let_go(self, fork: Fork) -> Fork | None:
        """Remove what only *fork* needed, which is gone; return what a stream that was removed had
        of others itself.
        """
        origins = ((strand.stream, strand.generation) for strand in reversed(fork.strands))
        for stream, generation in dict.fromkeys([(fork.source, fork.generation), *origins]):
            if await self._is_needed(stream, generation):
                return None
            head = await self._store.heads.get(stream)
            if head is None or head.generation != generation:
                # Forgotten, so that nobody else would remove them.
                await self._delete_segments(stream, generation)
                continue
            return await self._finish(stream, head) if head.is_buried else None
        return None

    async def _finish(self, stream: StreamId, head: Head) -> Fork | None:
        """Remove a buried stream; return what it had of others."""
        found = await self._store.heads.delete(stream, head)
        if found is None or not may_go(found, head):
            return None
        await self._clean(stream, found)
        await self._delete_segments(stream, found.generation)
        return found.fork

    async def _is_needed(self, stream: StreamId, generation: str) -> bool:
        """Say whether a fork of this *generation* lives; those that do not are forgotten."""
        for fork in await self._store.heads.forks(stream, generation):
            if await self._lives(fork):
                return True
            await self._store.heads.forget_fork(stream, generation, fork)
        return False

    async def _lives(self, fork: ForkRef) -> bool:
        """Say whether a fork, or one of that, needs what it has of others."""
        now = self._clock()
        if fork.expires <= now:
            return False
        head = await self._store.heads.get(fork.stream)
        is_there = head is not None and head.generation == fork.generation
        if head and is_there and not head.is_buried and not is_expired(head, now, self._limits):
            return True
        return await self._is_needed(fork.stream, fork.generation)

    async def _clean(self, stream: StreamId, head: Head) -> None:
        await self._store.batches.delete(stream, objects(head.pending))
        await self._store.heads.delete_spilled(stream, head.generation)

    async def _delete_segments(self, stream: StreamId, generation: str) -> None:
        while names := await self._store.segments.names(stream, generation, 0):
            await self._store.segments.delete(stream, names)
