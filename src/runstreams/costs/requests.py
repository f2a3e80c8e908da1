"""Which requests to S3 and DynamoDB a stream makes, as `tests/stores/test_aws_requests.py` counts
them: of one writer, whose chunks fit into 8 MiB.
"""

from collections import Counter
from math import ceil

from ..core.limits import SealingPlan
from ..core.model import BATCH_OVERHEAD

PLAN = SealingPlan()

_SEALED_UNSEEN = 0.7
"""How many of the batches that cause a seal are sealed when a reader looks: the reader gets their
segment. `tests/simulation/rates.py` shows it.
"""

_LISTED = 0.5
"""How many of those a long poll lists where appends come faster than it looks: it begins behind
them, and has not seen from where on they were sealed. Shown likewise.
"""

CLIENT_ID_BYTES = 32
"""What a client's id takes in each batch that lies in the head."""


def inlined_bytes(lines: float, inline_bytes: int) -> float:
    """Return what a batch of so many *lines*, in bytes, takes in the head; 0: it is an object."""
    return BATCH_OVERHEAD + CLIENT_ID_BYTES + lines if lines <= inline_bytes else 0


def appends_a_seal(inlined: float) -> int:
    """Return how many appends are sealed at a time that take *inlined* bytes of the head each."""
    return min(PLAN.every, ceil(PLAN.inlined_every / inlined)) if inlined else PLAN.every


def of_writing(appends: int, inlined: float = 0) -> Counter[str]:
    """Return the requests of a stream's life: it is opened, gets so many appends and is closed.
    Each takes *inlined* bytes of the head, or is an object.
    """
    every = appends_a_seal(inlined)
    seals, left = divmod(appends, every)
    merges = seals // PLAN.fan_in
    # What closing finds: segments that were merged, those that were not yet, and what it seals.
    segments = merges + seals % PLAN.fan_in + bool(left)
    joined = segments if segments > 1 else 0
    return Counter(
        PutObject=(0 if inlined else appends) + seals + merges + bool(left) + bool(joined),
        # The first update fails, and a transaction does what it would have done.
        UpdateItem=appends + seals + 1 + bool(left),
        TransactWriteItems=1,
        GetItem=3,
        GetObject=(0 if inlined else appends) + merges * PLAN.fan_in + joined,
        ListObjectsV2=merges + _looks_once_more(appends, left) + 1,
        # Deletions are free.
    )


def _looks_once_more(appends: int, left: int) -> bool:
    """Say whether sealing the *left* ones, fewer than usual, looks for segments to merge."""
    stride = PLAN.fan_in * left
    return left > 0 and appends // stride > (appends - left) // stride


def of_following(
    appends: int, seconds: float, pause: float, calls: int, inlined: float = 0
) -> Counter[str]:
    """Return the requests of a reader that takes each batch when it comes. Each of its *calls*
    looks at the head first; and while it waits, the head is polled every *pause* seconds, with
    reads that may be a moment behind. Batches that take *inlined* bytes of the head come with it,
    but for those that are sealed before they are seen.
    """
    missed = round(appends / appends_a_seal(inlined) * _SEALED_UNSEEN)
    is_behind = calls >= appends and seconds / appends <= pause
    return Counter(
        GetItem=calls,
        poll=round(seconds / pause),
        GetObject=missed if inlined else appends,
        ListObjectsV2=round(missed * _LISTED) if is_behind else 0,
    )


def of_replaying() -> Counter[str]:
    """Return the requests of a reader that takes a closed stream at once."""
    return Counter(GetItem=1, ListObjectsV2=1, GetObject=1)
