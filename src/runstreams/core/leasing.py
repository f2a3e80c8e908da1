"""Leases: a producer promises to be heard of in time, and whoever finds that it was not closes the
stream as failed.

A promise is kept by any append and by renewals in silence. It ends with a release by whoever made
it, so that another producer's stays. Nothing runs in the background: each look at a head sees
whether the promise is broken, and a conditional update of what was seen says so once and for all.
"""

from dataclasses import replace
from typing import NamedTuple

from .limits import LEASE_GRACE_MS
from .model import PRODUCER_LOST, Batch, Closed, Head, Lease, StreamId
from .ports import Store


class Claim(NamedTuple):
    """What a producer says: in the name of *holder* it promises to be heard of within *ms*."""

    holder: str
    ms: int


def claimed(batch: Batch) -> Lease | None:
    """Return the lease that *batch* claims, on a stream that has none."""
    if not batch.lease_ms or batch.client is None:
        return None
    return Lease(batch.time + batch.lease_ms, batch.lease_ms, batch.client)


def renewed(seen: Lease | None, claim: Lease) -> Lease:
    """Return the lease after *claim*, where *seen* is what was there: neither of two producers is
    taken for lost before it said.
    """
    if seen is None:
        return claim
    return replace(claim, until=max(seen.until, claim.until), ms=max(seen.ms, claim.ms))


def may_follow(seen: Lease | None, lease: Lease) -> bool:
    """Say whether *lease* takes nothing from the one that is there."""
    return seen is None or (seen.until <= lease.until and seen.ms <= lease.ms)


def reach(lease: Lease | None) -> tuple[int, int] | None:
    """Return how far *lease* reaches, whoever holds it."""
    return (lease.until, lease.ms) if lease else None


def leased_until(head: Head) -> int | None:
    """Return until when the producer of an open stream has promised to be heard of."""
    if head.lease is None or head.closed is not None:
        return None
    return max(head.lease.until, head.last_time + head.lease.ms)


def is_lost(head: Head, now: int) -> bool:
    """Say whether nothing was heard of the producer for too long."""
    until = leased_until(head)
    return until is not None and until + LEASE_GRACE_MS <= now


def lost(lease: Lease) -> Closed:
    """Return how a stream ends whose producer was lost."""
    silence = f"nothing was heard of its producer for {lease.ms / 1000:g} seconds"
    return Closed("failed", silence, code=PRODUCER_LOST)


async def close_lost(store: Store, stream: StreamId, seen: Head, expires: int) -> Head | None:
    """Close the stream whose producer is lost in *seen*, and return the head afterwards; None when
    somebody was heard of, closed or deleted it meanwhile.
    """
    assert seen.lease is not None
    closed = lost(seen.lease)
    if not await store.heads.lose(stream, seen, closed, expires):
        return None
    return replace(seen, closed=closed, expires=expires)
