"""Fences: a writer that takes a stream over keeps out those who wrote before.

A head counts how often its stream was taken over. A writer carries the count that it began with,
and what it sends is refused, by the update that would commit it, once the head's is higher. Whoever
carries none is never refused: several may write to one stream. The count is that of one generation:
a stream that was deleted and begins anew begins with none, and knows nothing of the fences before.
"""

from dataclasses import replace

from .errors import FencedOff
from .model import Fence, Head, Lease


def fence_number(head: Head) -> int:
    """Return how often the stream was taken over."""
    return head.fence.number if head.fence else 0


def may_pass(head: Head, fence: int | None) -> bool:
    """Say whether a writer that began at *fence* may write."""
    return fence is None or head.fence is None or head.fence.number <= fence


def check_fence(head: Head, fence: int | None) -> None:
    """Raise `FencedOff` unless a writer that began at *fence* may write."""
    if not may_pass(head, fence):
        raise FencedOff(
            "another writer has taken the stream over, and this one may write no more",
            fence=fence_number(head),
        )


def fence_at(head: Head, index: int) -> int:
    """Return the fence that whoever wrote chunk *index* had passed, or a higher one that is below
    the latest: a resend must not pass for one that began later.
    """
    return fence_number(head) - int(head.fence is not None and index < head.fence.since)


def taken_over(head: Head, lease: Lease | None) -> Head:
    """Return *head* after somebody has taken the stream over, whose *lease* replaces all others."""
    return replace(head, fence=Fence(fence_number(head) + 1, head.tail), lease=lease)
