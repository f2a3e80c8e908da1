"""Holding a lease on a stream, in silence as well, letting go of it, and taking a stream over."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from .appending import ATTEMPTS, outpaced
from .commit import check_open
from .errors import RunCompleted, Uncertain
from .fencing import check_fence
from .leasing import close_lost, is_lost, renewed
from .limits import Limits
from .model import Head, Lease, StreamId
from .ports import Clock, Store
from .position import is_left_behind
from .retention import closed_until, is_expired
from .runs import run_is_completed


class Holder:
    """Takes, renews and releases leases, apart from those that come with an append, and takes
    streams over.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        clock: Clock,
        open_: Callable[[StreamId], Awaitable[object]],
    ) -> None:
        """Open streams that never were by *open_*."""
        self._store = store
        self._limits = limits
        self._clock = clock
        self._open = open_

    async def hold(self, stream: StreamId, holder: str, ms: int, fence: int | None = None) -> Head:
        """Promise in the name of *holder*, who began at *fence*, that the producer is heard of
        within *ms*, opening the stream if it never was; return the head afterwards.

        Raises `StreamClosed`, `RunCompleted`, `FencedOff`, `Busy`, `Uncertain`.
        """
        seen: Head | None = None
        for _ in range(ATTEMPTS):
            now = self._clock()
            lease = renewed(seen.lease if seen else None, Lease(now + ms, ms, holder))
            # A head whose last writer's clock was behind is not expired while its newest chunk is.
            live = min(now, seen.expires - 1) if seen else now
            done, head = await self._store.heads.renew(stream, lease, live, fence)
            if done:
                assert head is not None
                return head
            seen = await self._follow(stream, head, fence)
        raise outpaced()

    async def take_over(self, stream: StreamId, holder: str, ms: int) -> Head:
        """Keep out whoever writes to the stream until now, opening it if it never was, and promise
        in the name of *holder* as `hold` does, or with 0 *ms* nothing; return the head afterwards.

        Whoever does this knows what became of the producer, which is not taken for lost here.
        Raises `StreamClosed`, `RunCompleted`, `Busy`, `Uncertain`.
        """
        seen: Head | None = None
        for _ in range(ATTEMPTS):
            now = self._clock()
            lease = Lease(now + ms, ms, holder) if ms else None
            live = min(now, seen.expires - 1) if seen else now
            done, head = await self._store.heads.take_over(stream, lease, live, self._limits)
            if done:
                assert head is not None
                return head
            seen = await self._there(stream, head)
            if seen is not None:
                _check_open(stream, seen)
        raise outpaced()

    async def _there(self, stream: StreamId, head: Head | None) -> Head | None:
        """Return *head* if the stream is there, else open it."""
        if (
            head is None
            or is_expired(head, self._clock(), self._limits)
            or is_left_behind(head, self._limits.epoch)
        ):
            with suppress(Uncertain):  # the next try will tell
                await self._open(stream)
            return None
        return head

    async def _follow(self, stream: StreamId, head: Head | None, fence: int | None) -> Head | None:
        """Do what *head*, which could not be leased, asks for; return what is to be leased now."""
        now = self._clock()
        if (head := await self._there(stream, head)) is None:
            return None
        check_fence(head, fence)
        _check_open(stream, head)
        if is_lost(head, now):
            with suppress(Uncertain):
                expires = closed_until(head, now, self._limits)
                await close_lost(self._store, stream, head, expires)
        return head

    async def release(self, stream: StreamId, holder: str, fence: int | None = None) -> Head | None:
        """Take back the promise of *holder*, who began at *fence*, unless another has followed it;
        return the head afterwards. Raises `FencedOff`, also where that one has closed the stream
        since: the promise is over then as well.
        """
        head = await self._store.heads.release(stream, holder)
        if head is not None:
            check_fence(head, fence)
        return head


def _check_open(stream: StreamId, head: Head) -> None:
    try:
        check_open(head)
    except RunCompleted:
        raise run_is_completed(stream.run) from None
