"""When chunks and streams are forgotten.

Retention is exact at read time; a bucket's lifecycle, a table's TTL and the local sweep only clean
up afterwards.
"""

from .limits import Limits
from .model import Head, Pointer


def cutoff(now: int, limits: Limits) -> int:
    """Return the newest time that has expired: a chunk is gone when its time is at or below it."""
    return now - limits.retention_ms


def is_expired(head: Head, now: int, limits: Limits) -> bool:
    """Say whether the whole stream is forgotten, so that its name starts anew."""
    if head.charter is not None and head.charter.is_mortal:
        return head.expires <= now
    return max(head.expires, head.last_time + limits.retention_ms) <= now


def lasts_until(head: Head, now: int, limits: Limits) -> int:
    """Return when a stream is forgotten that is used, or closed, *now*."""
    charter = head.charter
    if charter is None or (ends := charter.ends_at(now)) is None:
        return now + limits.retention_ms
    return ends


def closed_until(head: Head, now: int, limits: Limits) -> int:
    """Return when a stream is forgotten that is closed *now*: not after the record of its run,
    which outlives what was appended by the period that the last append was in.
    """
    life = max(limits.retention_ms, 1)
    used = max(head.appended or 0, head.created) - head.created
    return min(lasts_until(head, now, limits), head.created + (used // life + 2) * life)


def readable_until(head: Head, time: int, limits: Limits) -> int:
    """Return until when a chunk of *time* can be read, unless the stream is deleted sooner."""
    ends = time + limits.retention_ms
    return min(ends, head.expires) if head.charter and head.charter.is_mortal else ends


def starts_new_period(head: Head, limits: Limits) -> bool:
    """Say whether the last append was the first of a retention period since the opening.

    A run's record must outlive its streams. Opening gives it two periods, and the first append
    of each period two more; so that costs one update a period and stream.
    """
    if head.appended is None or head.appended_before is None:
        return False
    # The batch that a stream was opened with is a little older than the opening.
    life = max(limits.retention_ms, 1)
    before = max(head.appended_before - head.created, 0)
    return (head.appended - head.created) // life > before // life


def oldest_pending(head: Head, now: int, limits: Limits) -> Pointer | None:
    """Return the first unsealed batch that has not expired."""
    gone = cutoff(now, limits)
    return next((pointer for pointer in head.pending if pointer.time > gone), None)
