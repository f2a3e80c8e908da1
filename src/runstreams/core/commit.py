"""Whether a batch may be committed, and what an append is told when it may not.

`fits` and `applied` are the commit, as the memory and SQLite stores execute them inside their own
transaction and as the DynamoDB store spells them as an expression. `judge` decides what to do about
a head that did not fit.
"""

from dataclasses import dataclass, replace

from .errors import (
    ChunkGap,
    DeletedWithForks,
    NotJson,
    RunCompleted,
    SealingBehind,
    StreamClosed,
    StreamFull,
)
from .fencing import check_fence, fence_at, may_pass
from .leasing import claimed, leased_until, may_follow, renewed
from .limits import Limits, SealingPlan
from .model import (
    PRODUCER_LOST,
    Amendment,
    Appended,
    Batch,
    Head,
    Pointer,
    Sent,
    StoredBatch,
    weight,
)
from .ports import Staged, Terms
from .position import is_left_behind, is_of_epoch
from .retention import is_expired, lasts_until
from .superseding import check_superseding, may_supersede, superseded


def fits(head: Head | None, batch: Batch, terms: Terms, limits: Limits, plan: SealingPlan) -> bool:
    """Say whether *batch* (what is left of it) may be committed to *head* under *terms*."""
    if head is None or head.closed is not None or head.expires <= terms.now:
        return False
    if not is_of_epoch(head, limits.epoch):
        return False
    if head.unsealed >= plan.unsealed or _too_full(head, batch.size, limits):
        return False
    if batch.once is not None and batch.once in head.once:
        return False
    if terms.lease is not None and not may_follow(head.lease, terms.lease):
        return False
    if not may_pass(head, batch.fence) or not may_supersede(head, batch, terms.superseded):
        return False
    if not _heeds_charter(head, terms.amendment):
        return False
    if batch.client is None:
        return True
    sent = head.clients.get(batch.client)
    if sent is None:
        same = terms.generation in (None, head.generation)
        return terms.previous is None and head.spills == terms.spills and same
    return sent.number == terms.previous


def _heeds_charter(head: Head, amendment: Amendment | None) -> bool:
    if amendment is None:
        return head.charter is None or not head.charter.guards
    return may_amend(head, amendment)


def may_amend(head: Head, amendment: Amendment) -> bool:
    """Say whether all is still as *amendment* has seen it."""
    if head.generation != amendment.generation:
        return False
    if amendment.closed is not None and head.closed is not None:
        return False
    return not amendment.writes_book or head.book == amendment.seen


def amended(head: Head, amendment: Amendment) -> Head:
    """Return *head* as *amendment* leaves it."""
    return replace(
        head,
        expires=amendment.expires,
        book=amendment.book if amendment.writes_book else head.book,
        closed=amendment.closed or head.closed,
    )


def takes(head: Head, batch: Batch, plan: SealingPlan) -> bool:
    """Say whether *batch* may lie in its pointer in *head*."""
    return head.inlined is not None and head.inlined + weight(stored(batch)) <= plan.inlined_most


def stored(batch: Batch) -> StoredBatch:
    """Return what is kept of *batch*."""
    return StoredBatch(batch.lines, batch.client, batch.number)


def pointer_to(staged: Staged, skip: int, batch: Batch, time: int, first: int) -> Pointer:
    """Return the pointer of *batch*, what is left of *staged* without its first *skip* chunks."""
    if staged.inline:
        return Pointer(staged.object, 0, batch.count, batch.size, time, first, stored(batch))
    return Pointer(staged.object, skip, batch.count, batch.size, time, first)


def leads_to(pointer: Pointer, staged: Staged, skip: int) -> bool:
    """Say whether *pointer* is that of *staged* without its first *skip* chunks: by its name, and
    by what lies in it.
    """
    if pointer.object != staged.object:
        return False
    return pointer.batch is None or pointer.batch == stored(staged.batch.rest(skip))


def applied(
    head: Head, staged: Staged, terms: Terms, skip: int, batch: Batch, limits: Limits
) -> Head:
    """Return *head* after the commit of *batch*, what is left of *staged* without its first
    *skip* chunks, under *terms*.
    """
    pointer = pointer_to(staged, skip, batch, max(batch.time, head.last_time), head.tail)
    clients, once = head.clients, head.once
    if batch.client is not None:
        sent = Sent(batch.number + batch.count - 1, pointer.end - 1)
        clients = {**clients, batch.client: sent}
    if batch.once is not None:
        once = {**once, batch.once: pointer.first}
    # Spelled out, since `replace` takes as long as all the rest of a commit in memory.
    after = Head(
        generation=head.generation,
        created=head.created,
        expires=batch.time + limits.retention_ms,
        tail=pointer.end,
        sealed=head.sealed,
        sealed_time=head.sealed_time,
        size=head.size + batch.size,
        appended=batch.time,
        unsealed=head.unsealed + 1,
        pending=(*head.pending, pointer),
        clients=clients,
        once=once,
        spills=head.spills,
        closed=head.closed,
        closed_by_run=head.closed_by_run,
        stop=head.stop,
        appended_before=head.appended,
        lease=terms.lease or head.lease,
        charter=head.charter,
        book=head.book,
        inlined=head.inlined if head.inlined is None else head.inlined + pointer.weight,
        fork=head.fork,
        forks=head.forks,
        fence=head.fence,
        superseded=superseded(head, batch),
    )
    return after if terms.amendment is None else amended(after, terms.amendment)


def begun(head: Head, first: Staged, limits: Limits) -> Head:
    """Return the fresh *head* of a stream that is opened with its *first* batch."""
    lasts = Amendment(head.generation, head.expires) if head.charter else None
    terms = Terms(head.created, lease=claimed(first.batch), amendment=lasts)
    return applied(head, first, terms, 0, first.batch, limits)


@dataclass(frozen=True, slots=True)
class Open:
    """There is no live head: open the stream with the batch in it."""


@dataclass(frozen=True, slots=True)
class LookOutside:
    """The client may have moved out of the head: look at its own item, then judge again."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Commit the batch without its first *skip* chunks, under *terms*."""

    terms: Terms
    skip: int
    fence: int | None = None
    """The fence that was passed by whoever sent what is skipped."""


NOTHING = Head("", created=0, expires=0)
"""What a stream has taken that is not open."""

Verdict = Open | LookOutside | Retry | Appended


@dataclass(frozen=True, slots=True)
class Outside:
    """What was found of a client outside the head, and how often clients had moved out when it
    was looked for.
    """

    generation: str
    spills: int
    sent: Sent | None


def judge(
    head: Head | None,
    batch: Batch,
    outside: Outside | None,
    now: int,
    limits: Limits,
    plan: SealingPlan,
) -> Verdict:
    """Decide what follows when *batch* did not fit *head*.

    In this order, so that a resend is acknowledged whatever has happened since, and whoever was
    followed hears so though its successor has closed the stream: sent before, gap, taken over,
    closed, superseding what cannot be, full. Raises `ChunkGap`, `FencedOff`, `StreamClosed`,
    `RunCompleted`, `IndexBeyondTail`, `SupersededTooOften`, `StreamFull`, `SealingBehind`.
    """
    if head is None or is_expired(head, now, limits) or is_left_behind(head, limits.epoch):
        _check_number(batch, None)
        check_superseding(NOTHING, batch)
        check_room(NOTHING, batch, limits, plan)
        return Open()
    if batch.once is not None and batch.once in head.once:
        last = head.once[batch.once] + batch.count - 1
        return _duplicate(head, last, head.tail, head.once[batch.once])
    sent = head.clients.get(batch.client) if batch.client is not None else None
    previous = sent.number if sent else None
    if batch.client is not None and sent is None and head.spills:
        if outside is None or (outside.generation, outside.spills) != (
            head.generation,
            head.spills,
        ):
            return LookOutside()
        sent = outside.sent
    if sent is not None and batch.number + batch.count - 1 <= sent.number:
        return _already_written(batch, sent, head)
    _check_number(batch, sent)
    skip = sent.number + 1 - batch.number if sent else 0
    check_fence(head, batch.fence)
    check_open(head)
    rest = batch.rest(skip)
    check_superseding(head, rest)
    check_room(head, rest, limits, plan)
    # A head whose last writer's clock was behind is not expired while its newest chunk is not.
    live = min(now, head.expires - 1)
    claim = claimed(batch)
    lease = renewed(head.lease, claim) if claim else None
    amendment = _amendment(head, now, limits)
    seen = head.superseded
    terms = Terms(live, previous, head.spills, head.generation, lease, amendment, seen)
    return Retry(terms, skip, fence_at(head, _first_of(batch, sent)) if sent and skip else None)


def _amendment(head: Head, now: int, limits: Limits) -> Amendment | None:
    """Return what a batch of JSON chunks changes of a stream whose charter guards it."""
    if head.charter is None or not head.charter.guards:
        return None
    check_json(head)
    return Amendment(head.generation, lasts_until(head, now, limits))


def check_json(head: Head) -> None:
    """Raise `NotJson` unless the stream's chunks are JSON values."""
    if head.charter is not None and not head.charter.is_json:
        raise NotJson(
            f"the stream holds bytes of {head.charter.content_type}, not JSON chunks",
            content_type=head.charter.content_type,
        )


def _already_written(batch: Batch, sent: Sent, head: Head) -> Appended:
    last = sent.index if batch.number + batch.count - 1 == sent.number else None
    # What was found of a client outside the head may be newer than the head.
    return _duplicate(head, last, max(head.tail, sent.index + 1), _first_of(batch, sent))


def _first_of(batch: Batch, sent: Sent) -> int:
    """Return the highest index that the first chunk of *batch* can have, of a client that has come
    as far as *sent*.
    """
    return sent.index - (sent.number - batch.number)


def _duplicate(head: Head, last: int | None, tail: int, first: int) -> Appended:
    """Return the answer to whoever has written chunk *first* of the stream."""
    fence = fence_at(head, first)
    return Appended(None, last, tail, head.stop, True, leased_until(head), fence)


def _check_number(batch: Batch, sent: Sent | None) -> None:
    expected = sent.number + 1 if sent else 0
    if batch.client is not None and batch.number > expected:
        raise ChunkGap(
            f"client {batch.client!r} sent chunk {batch.number}, but chunk {expected} comes next",
            expected=expected,
            received=batch.number,
        )


def check_open(head: Head) -> None:
    """Raise `StreamClosed`, `RunCompleted` or `DeletedWithForks` unless the stream takes chunks."""
    closed = head.closed
    if closed is None:
        return
    check_not_buried(head)
    if head.closed_by_run:
        raise RunCompleted("the run is completed")
    why = f", since {closed.error}" if closed.code == PRODUCER_LOST else ""
    raise StreamClosed(
        f"the stream is closed: {closed.status}{why}",
        status=closed.status,
        closed_code=closed.code,
        tail=head.tail,
    )


def check_not_buried(head: Head) -> None:
    """Raise `DeletedWithForks` if the stream was deleted."""
    if head.is_buried:
        raise DeletedWithForks(
            "the stream was deleted, and others that were forked from it are not"
        )


def check_room(head: Head, batch: Batch, limits: Limits, plan: SealingPlan) -> None:
    """Raise `StreamFull` or `SealingBehind` unless the stream can take *batch*."""
    if _too_full(head, batch.size, limits):
        raise StreamFull(
            f"a stream may take {limits.stream_bytes} bytes; this one has taken {head.size}",
            limit=limits.stream_bytes,
            size=head.size + batch.size,
        )
    if head.unsealed >= plan.unsealed:
        raise SealingBehind(f"{head.unsealed} batches wait to be sealed; try again", retry_after=1)


def _too_full(head: Head, size: int, limits: Limits) -> bool:
    return limits.stream_bytes > 0 and head.size + size > limits.stream_bytes
