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
    return max(head.expires, head.last_time + limits.retention_ms) <= now


def oldest_pending(head: Head, now: int, limits: Limits) -> Pointer | None:
    """Return the first unsealed batch that has not expired."""
    gone = cutoff(now, limits)
    return next((pointer for pointer in head.pending if pointer.time > gone), None)
