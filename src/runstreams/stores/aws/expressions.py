"""The conditions and updates of a head, as DynamoDB's expressions.

Each condition stands with the sentence that it spells. Three traps of the emulators and of DynamoDB
itself are heeded here: elements leave a list from its end to its beginning (some take them out one
after the other, so that later positions move); no update both sets and adds, since some then read
the new value; and every attribute goes by an alias, for the reserved words and for the clients'
names, which are any text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...core.commit import pointer_to
from ...core.entries import encode_book
from ...core.limits import Limits, SealingPlan
from ...core.model import (
    Amendment,
    Batch,
    Book,
    Closed,
    Fork,
    Head,
    Lease,
    Pointer,
    Sent,
    Span,
)
from ...core.ports import Staged, Terms
from ...core.position import epoch_prefix
from ...core.superseding import encode_spans, made_way
from .codec import encode_closed, once_attribute
from .layout import SHORT, SPREAD, is_short, is_spread
from .pointers import encode_pointer
from .values import FENCED_HEAD, FORK_HEAD, number, text, ttl
from .writers import hashed, index_attribute, number_attribute, packed

if TYPE_CHECKING:
    from .values import Item

REMOVALS = 64
"""Most pointers or clients that leave a head in one update: DynamoDB allows 128 removals from a
list, 300 operators and 4 KB of expression.
"""

IS_KNOWN = "#v <= :v"
"""The stream has been opened, in a form that this version knows."""

_IS_LIVE = f"{IS_KNOWN} AND #expires > :now"
"""It is not forgotten, either."""

_IS_OPEN = "attribute_not_exists(#closed)"
"""Nobody has closed the stream."""

_HAS_FEW_UNSEALED = "size(#p) < :unsealed"
"""There are not too many unsealed batches to add one."""

_HAS_ROOM = "#size <= :room"
"""The stream can take the batch's bytes."""

_IS_SPREAD = "contains(#g, :spread)"
"""Whoever reads this head finds an object with a hash in its name. What else is in a generation are
hexadecimal digits, another mark, and perhaps an epoch with its dot.
"""

_IS_SHORT = "contains(#g, :short)"
"""The head knows its clients by hashes."""

_TAKES_INLINE = "#inline <= :inline_room"
"""Batches may lie in the pointers, and there is room for this one. Nothing is compared with what is
absent, as in heads of before.
"""

_IS_NEW_ONCE = "attribute_not_exists(#once)"
"""No one-shot append with this idempotency key is remembered."""

_CLIENT_IS_AT = "(#client >= :previous AND #client < :next)"
"""The client's last chunk is the one before the batch, whatever its index."""

_LONG_CLIENT_IS_AT = "#client = :previous"
"""So it is in a head that does not know it by its hash."""

_CLIENT_IS_NOT_HERE = "attribute_not_exists(#client) AND #spills = :spills"
"""The head does not know the client, and no client has moved out since it was looked for
outside.
"""

_IS_GENERATION = "#g = :g"
"""It is still the same stream, not another one under its name."""

_IS_OF_EPOCH = "begins_with(#g, :epoch)"
"""It was opened since heads were last put back to how they once were."""

_MAY_BE_LEASED = "(attribute_not_exists(#lease) OR (#lease <= :lease AND #lease_ms <= :lease_ms))"
"""Nothing is taken from the lease that is there, as `leasing.may_follow` says."""

_MAY_PASS = "(attribute_not_exists(#fence) OR #fence <= :fence)"
"""Nobody has taken the stream over since the writer began, as `fencing.may_pass` says."""

_TAKES_OVER = (
    "#fence = if_not_exists(#fence, :none) + :one",
    "#fence_at = #tail",
    "#v = :v",
    "#form = :v",
)
"""Earlier writers are kept out, and versions that would let them in leave the head alone."""

_IS_THERE = "#tail >= :from"
"""There is what is to be superseded, or the tail is just before it."""

_SUPERSEDES_FIRST = "attribute_not_exists(#superseded)"
"""Nothing was superseded yet."""

_SUPERSEDES_AS_SEEN = "#superseded = :superseded AND #superseded_to = :superseded_to"
"""Nothing was superseded since."""

_SUPERSEDES = (
    "#superseded = :supersedes",
    "#superseded_to = #tail",
    "#v = :v",
    "#form = :v",
)
"""Chunks up to the tail no longer count, and versions that would show them leave the head alone."""

_IS_HOLDER = "#lease_by = :lease_by"
"""It was this client that promised last."""

_IS_NOT_GUARDED = "attribute_not_exists(#guarded)"
"""The stream's charter, if it has one, is none that a write must heed."""

_IS_WRITTEN_AS_SEEN = "#book = :seen"
"""Nobody who writes entries has come further since."""

_IS_NOT_WRITTEN = "attribute_not_exists(#book)"
"""Nobody has written entries with an order or a turn."""

_IS_NOT_BURIED = "attribute_not_exists(#buried)"
"""Nobody has deleted the stream."""

IS_NOT_FORKED = "attribute_not_exists(#forks)"
"""No stream was ever forked from it."""

_IS_FORKED_AS_SEEN = "#forks = :forks"
"""None was since."""

_ENDS_EARLIER = "#expires > :now AND #expires < :expires"
"""It is not forgotten yet, but would be earlier."""

_IS_SILENT_SINCE = "#tail = :tail AND #lease = :lease AND #lease_ms = :lease_ms"
"""Nobody has appended or renewed the lease since it was seen."""

_IS_SEALED_AS_SEEN = "#sealed = :sealed"
"""Nobody has sealed since: pointers leave a generation's list only as its sealed index moves, so
the first ones are what was seen.
"""

APPENDS = (
    "#p = list_append(#p, :pointer)",
    "#tail = #tail + :count",
    "#size = #size + :bytes",
    "#before = #appended",
    "#appended = :time",
)
"""The pointer goes to the end of the list; tail, bytes and times move on. What stands on the right
is the value before the update.
"""

_INLINES = "#inline = #inline + :inline"
"""So many bytes more lie in the pointers."""

_DROPS_INLINE = "#inline = #inline - :inline"
"""So many bytes less."""

_KEEPS_UNTIL = ("#expires = :expires", "#ttl = :ttl")
"""The stream is forgotten at another time."""

_CLOSES = ("#closed = :closed",)
"""The stream has ended."""

LEASES = ("#lease = :lease", "#lease_ms = :lease_ms", "#lease_by = :lease_by")
"""A producer has made a promise."""

_LEASE = ("#lease", "#lease_ms", "#lease_by")

_ALIAS = re.compile(r"#\w+")


@dataclass(slots=True)
class Update:
    """One conditional update: what must hold, what it sets, what it removes."""

    conditions: list[str]
    sets: list[str] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)
    values: "Item" = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """What aliases stand for that are not the attribute's own name."""

    def arguments(self) -> dict[str, Any]:
        """Return the update as arguments of `update_item`."""
        condition = " AND ".join(self.conditions)
        parts = (("SET", self.sets), ("REMOVE", self.removals))
        update = " ".join(f"{verb} {', '.join(what)}" for verb, what in parts if what)
        return {
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ExpressionAttributeNames": aliases(f"{condition} {update}", self.names),
            "ExpressionAttributeValues": self.values,
        }


def aliases(expression: str, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what each alias in *expression* stands for; DynamoDB refuses those that do not
    occur.
    """
    own = names or {}
    return {alias: own.get(alias, alias[1:]) for alias in _ALIAS.findall(expression)}


def known() -> "Item":
    """Return the values of `IS_KNOWN`."""
    return {":v": number(FENCED_HEAD)}


def _live_at(now: int) -> "Item":
    """Return the values of `_IS_LIVE`."""
    return {**known(), ":now": number(now)}


def committing(
    staged: Staged,
    skip: int,
    batch: Batch,
    terms: Terms,
    limits: Limits,
    plan: SealingPlan,
    short: bool,
) -> Update:
    """Spell `commit.fits` and `commit.applied` for *batch*, what is left of *staged* after
    *skip*, in a head that is *short*: one that knows its clients by hashes.
    """
    pointer = pointer_to(staged, skip, batch, batch.time, first=0)
    expires = batch.time + limits.retention_ms
    update = Update(
        [_IS_LIVE, _IS_OPEN, _HAS_FEW_UNSEALED],
        [*APPENDS, *_KEEPS_UNTIL],
        values={
            **_live_at(terms.now),
            ":unsealed": number(plan.unsealed),
            ":pointer": {"L": [text(encode_pointer(pointer))]},
            ":count": number(batch.count),
            ":bytes": number(batch.size),
            ":time": number(batch.time),
            ":expires": number(expires),
            ":ttl": ttl(expires),
        },
    )
    _keep_to(update, limits.epoch)
    if staged.inline:
        _inline(update, pointer.weight, plan)
    elif is_spread(staged.object):
        update.conditions.append(_IS_SPREAD)
        update.values[":spread"] = text(SPREAD)
    if limits.stream_bytes > 0:
        update.conditions.append(_HAS_ROOM)
        update.values[":room"] = number(limits.stream_bytes - batch.size)
    if terms.lease is not None:
        _lease(update, terms.lease)
    _fence_off(update, batch.fence)
    if batch.supersedes is not None:
        _supersede(update, batch.supersedes, terms.superseded)
    if terms.amendment is None:
        update.conditions.append(_IS_NOT_GUARDED)
    else:
        _amend(update, terms.amendment)
    if batch.once is not None:
        _remember_once(update, batch.once)
    if batch.client is not None:
        _move_client(update, batch.client, batch, terms, short)
    return update


def amending(amendment: Amendment, now: int) -> Update:
    """Spell `commit.may_amend` and `commit.amended` for a live stream."""
    update = Update([_IS_LIVE], [*_KEEPS_UNTIL], values=_live_at(now))
    if amendment.closed is not None:
        update.conditions.append(_IS_OPEN)
    _amend(update, amendment)
    return update


def _amend(update: Update, amendment: Amendment) -> None:
    update.conditions.append(_IS_GENERATION)
    until = {":expires": number(amendment.expires), ":ttl": ttl(amendment.expires)}
    update.values |= {":g": text(amendment.generation), **until}
    if amendment.closed is not None:
        update.sets += _CLOSES
        update.values[":closed"] = encode_closed(amendment.closed, by_run=False)
    if amendment.writes_book and amendment.book is not None:
        _write_book(update, amendment.seen, amendment.book)


def _write_book(update: Update, seen: Book | None, book: Book) -> None:
    update.sets.append("#book = :book")
    update.values[":book"] = text(encode_book(book))
    if seen is None:
        update.conditions.append(_IS_NOT_WRITTEN)
        return
    update.conditions.append(_IS_WRITTEN_AS_SEEN)
    update.values[":seen"] = text(encode_book(seen))


def _inline(update: Update, weight: int, plan: SealingPlan) -> None:
    update.conditions.append(_TAKES_INLINE)
    update.sets.append(_INLINES)
    update.values[":inline"] = number(weight)
    update.values[":inline_room"] = number(plan.inlined_most - weight)


def _lease(update: Update, lease: Lease) -> None:
    update.conditions.append(_MAY_BE_LEASED)
    update.sets += LEASES
    update.values |= {**_reach(lease), ":lease_by": text(lease.holder)}


def _fence_off(update: Update, fence: int | None) -> None:
    if fence is not None:
        update.conditions.append(_MAY_PASS)
        update.values[":fence"] = number(fence)


def _supersede(update: Update, start: int, seen: tuple[Span, ...]) -> None:
    """Spell `superseding.superseded`: where the last span ends, the update itself knows."""
    left, begins = made_way(seen, start)
    update.conditions += [_IS_THERE, _SUPERSEDES_AS_SEEN if seen else _SUPERSEDES_FIRST]
    update.sets += _SUPERSEDES
    update.values |= {
        ":from": number(start),
        ":supersedes": text(encode_spans((*left, Span(begins, begins)))),
    }
    if seen:
        until = number(seen[-1].end)
        update.values |= {":superseded": text(encode_spans(seen)), ":superseded_to": until}


def _reach(lease: Lease) -> "Item":
    return {":lease": number(lease.until), ":lease_ms": number(lease.ms)}


def _remember_once(update: Update, once: str) -> None:
    update.conditions.append(_IS_NEW_ONCE)
    update.sets.append("#once = #tail")
    update.names["#once"] = once_attribute(once)


def _move_client(update: Update, client: str, batch: Batch, terms: Terms, short: bool) -> None:
    last = Sent(batch.number + batch.count - 1, batch.count - 1)
    (_move_short if short else _move_long)(update, client, last, terms)
    if terms.previous is not None:
        return
    update.conditions += [_CLIENT_IS_NOT_HERE, _IS_SHORT if short else f"NOT {_IS_SHORT}"]
    update.values |= {":spills": number(terms.spills), ":short": text(SHORT)}
    if terms.generation is not None and terms.amendment is None:
        update.conditions.append(_IS_GENERATION)
        update.values[":g"] = text(terms.generation)


def _move_short(update: Update, client: str, last: Sent, terms: Terms) -> None:
    """Let *last* be the client's last chunk; its index counts from the tail."""
    update.sets.append("#client = #tail + :last")
    update.values[":last"] = packed(last)
    update.names["#client"] = hashed(client)
    if terms.previous is not None:
        update.conditions.append(_CLIENT_IS_AT)
        update.values[":previous"] = packed(Sent(terms.previous, 0))
        update.values[":next"] = packed(Sent(terms.previous + 1, 0))


def _move_long(update: Update, client: str, last: Sent, terms: Terms) -> None:
    """Do the same in a head that does not know its clients by hashes."""
    update.sets += ["#client = :number", "#index = #tail + :before_last"]
    update.values |= {":number": number(last.number), ":before_last": number(last.index)}
    update.names |= {"#client": number_attribute(client), "#index": index_attribute(client)}
    if terms.previous is not None:
        update.conditions.append(_LONG_CLIENT_IS_AT)
        update.values[":previous"] = number(terms.previous)


def closing(
    closed: Closed, by_run: bool, now: int, expires: int, fence: int | None = None
) -> Update:
    """Close a live stream that is open, and was not taken over since *fence*."""
    values = _live_at(now) | _closed(closed, expires, by_run)
    update = Update([_IS_LIVE, _IS_OPEN], [*_CLOSES, *_KEEPS_UNTIL], values=values)
    _fence_off(update, fence)
    return update


def using(generation: str, expires: int, now: int) -> Update:
    """Keep a live stream for longer, as the roles that only read may: see `losing`."""
    until = {":expires": number(expires), ":ttl": ttl(expires), ":now": number(now)}
    return Update(
        [_IS_GENERATION, _ENDS_EARLIER], [*_KEEPS_UNTIL], values={":g": text(generation), **until}
    )


def losing(seen: Head, closed: Closed, expires: int) -> Update:
    """Close an open stream whose producer is lost in *seen*.

    It touches nothing else, since the roles that only read may do this: template.yaml names the
    attributes.
    """
    assert seen.lease is not None
    values = {":g": text(seen.generation), ":tail": number(seen.tail), **_reach(seen.lease)}
    return Update(
        [_IS_GENERATION, _IS_OPEN, _IS_SILENT_SINCE],
        [*_CLOSES, *_KEEPS_UNTIL],
        values=values | _closed(closed, expires, by_run=False),
    )


def _closed(closed: Closed, expires: int, by_run: bool) -> "Item":
    until = {":expires": number(expires), ":ttl": ttl(expires)}
    return {":closed": encode_closed(closed, by_run), **until}


def burying(seen: Head, closed: Closed, expires: int) -> Update:
    """Mark a stream as deleted."""
    values: Item = {":g": text(seen.generation), ":buried": {"BOOL": True}}
    return Update(
        [_IS_GENERATION],
        [*_CLOSES, *_KEEPS_UNTIL, "#buried = :buried"],
        values=values | _closed(closed, expires, by_run=False),
    )


def counting_fork(fork: Fork) -> Update:
    """Count *fork* in the head of its source, which is not for earlier versions from now on."""
    return Update(
        [IS_KNOWN, _IS_GENERATION, _IS_NOT_BURIED],
        ["#forks = if_not_exists(#forks, :none) + :one", "#v = if_not_exists(#form, :form)"],
        values={
            **known(),
            ":form": number(FORK_HEAD),
            ":g": text(fork.generation),
            ":none": number(0),
            ":one": number(1),
        },
    )


def as_seen(seen: Head) -> tuple[str, "Item"]:
    """Return the condition that a head is of the generation *seen*, and was not forked since, with
    its values.
    """
    if not seen.forks:
        return f"{_IS_GENERATION} AND {IS_NOT_FORKED}", {":g": text(seen.generation)}
    values = {":g": text(seen.generation), ":forks": number(seen.forks)}
    return f"{_IS_GENERATION} AND {_IS_FORKED_AS_SEEN}", values


def renewing(lease: Lease, now: int, fence: int | None = None) -> Update:
    """Let *lease* be that of a live stream that is open, unless the one there says more, or it was
    taken over since *fence*.
    """
    update = Update([_IS_LIVE, _IS_OPEN], values=_live_at(now))
    _lease(update, lease)
    _fence_off(update, fence)
    return update


def _keep_to(update: Update, epoch: int) -> None:
    """Touch no stream of an epoch before."""
    if epoch:
        update.conditions.append(_IS_OF_EPOCH)
        update.values[":epoch"] = text(epoch_prefix(epoch))


def taking_over(lease: Lease | None, now: int, epoch: int) -> Update:
    """Spell `fencing.taken_over` for a live stream of *epoch* that is open."""
    values: Item = {**_live_at(now), ":none": number(0), ":one": number(1)}
    update = Update([_IS_LIVE, _IS_OPEN], [*_TAKES_OVER], values=values)
    _keep_to(update, epoch)
    if lease is None:
        update.removals += _LEASE
    else:
        update.sets += LEASES
        update.values |= {**_reach(lease), ":lease_by": text(lease.holder)}
    return update


def releasing(holder: str) -> Update:
    """Take away the lease of *holder*."""
    return Update(
        [IS_KNOWN, _IS_HOLDER],
        removals=[*_LEASE],
        values={**known(), ":lease_by": text(holder)},
    )


def asking_stop(now: int) -> Update:
    """Raise the stop flag of a live stream."""
    return Update([_IS_LIVE], ["#stop = :stop"], values={**_live_at(now), ":stop": {"BOOL": True}})


def sealing(seen: Head, upto: Pointer, count: int) -> Update:
    """Drop the first *count* pointers and move the sealed index and time behind the last of
    them.
    """
    update = Update(
        [_IS_GENERATION, _IS_SEALED_AS_SEEN],
        ["#sealed = :end", "#sealed_time = :time"],
        [f"#p[{at}]" for at in reversed(range(count))],
        values={
            ":g": text(seen.generation),
            ":sealed": number(seen.sealed),
            ":end": number(upto.end),
            ":time": number(upto.time),
        },
    )
    if weight := sum(pointer.weight for pointer in seen.pending[:count]):
        update.sets.append(_DROPS_INLINE)
        update.values[":inline"] = number(weight)
    return update


def forgetting(
    generation: str, clients: Mapping[str, Sent], once: Sequence[str]
) -> Iterator[Update]:
    """Take *clients* that have not moved, and *once*, out of the head: in one update, or in several
    where they are very many.
    """
    left, keys = list(clients.items()), list(once)
    for at in range(0, max(len(left), len(keys), 1), REMOVALS):
        yield _forgetting(generation, dict(left[at : at + REMOVALS]), keys[at : at + REMOVALS])


def _forgetting(generation: str, clients: Mapping[str, Sent], once: Iterable[str]) -> Update:
    update = Update(
        [_IS_GENERATION],
        ["#spills = #spills + :one"],
        values={":g": text(generation), ":one": number(1)},
    )
    short = is_short(generation)
    for at, (client, sent) in enumerate(clients.items()):
        update.conditions.append(f"#n{at} = :n{at}")
        update.removals.append(f"#n{at}")
        update.values[f":n{at}"] = packed(sent) if short else number(sent.number)
        update.names[f"#n{at}"] = hashed(client) if short else number_attribute(client)
        if not short:
            update.removals.append(f"#i{at}")
            update.names[f"#i{at}"] = index_attribute(client)
    for at, key in enumerate(once):
        update.removals.append(f"#o{at}")
        update.names[f"#o{at}"] = once_attribute(key)
    return update
