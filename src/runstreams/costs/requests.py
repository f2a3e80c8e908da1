"""Which requests to S3 and DynamoDB a stream makes, as `tests/stores/test_aws_requests.py` counts
them: of one writer, whose chunks fit into 8 MiB.
"""

from collections import Counter

from ..core.limits import SealingPlan

PLAN = SealingPlan()


def of_writing(appends: int) -> Counter[str]:
    """Return the requests of a stream's life: it is opened, gets so many appends and is closed."""
    seals, left = divmod(appends, PLAN.every)
    merges = seals // PLAN.fan_in
    # What closing finds: segments that were merged, those that were not yet, and what it seals.
    segments = merges + seals % PLAN.fan_in + bool(left)
    joined = segments if segments > 1 else 0
    return Counter(
        PutObject=appends + seals + merges + bool(left) + bool(joined),
        # The first update fails, and a transaction does what it would have done.
        UpdateItem=appends + seals + 1 + bool(left),
        TransactWriteItems=1,
        GetItem=3,
        GetObject=seals * PLAN.every + merges * PLAN.fan_in + left + joined,
        ListObjectsV2=2 * merges + 2,
        # Deletions are free.
    )


def of_following(appends: int, seconds: float, pause: float, calls: int) -> Counter[str]:
    """Return the requests of a reader that takes each batch when it comes. Each of its *calls*
    looks at the head first; and while it waits, the head is polled every *pause* seconds, with
    reads that may be a moment behind.
    """
    return Counter(GetItem=calls, poll=round(seconds / pause), GetObject=appends)


def of_replaying() -> Counter[str]:
    """Return the requests of a reader that takes a closed stream at once."""
    return Counter(GetItem=1, ListObjectsV2=1, GetObject=1)
