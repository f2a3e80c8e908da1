"""The heads of streams in DynamoDB."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.commit import begun, takes
from ...core.errors import Busy
from ...core.forks import fork_ref, source_gone
from ...core.limits import NO_LIMITS, Limits, SealingPlan
from ...core.model import (
    Amendment,
    Batch,
    Closed,
    ForkRef,
    Head,
    Lease,
    Pointer,
    Run,
    Sent,
    StreamId,
)
from ...core.ports import Committed, NotCommitted, Opened, Renewed, Staged, Terms
from ...core.position import epoch_prefix
from .codec import (
    STATE,
    decode_fork_ref,
    decode_head,
    decode_run,
    decode_sent,
    encode_fork_ref,
    encode_head,
    encode_sent,
)
from .expressions import (
    IS_KNOWN,
    IS_NOT_FORKED,
    REMOVALS,
    Update,
    aliases,
    amending,
    as_seen,
    asking_stop,
    burying,
    closing,
    committing,
    counting_fork,
    forgetting,
    known,
    losing,
    releasing,
    renewing,
    sealing,
    taking_over,
    using,
)
from .inlining import Inlining
from .layout import Layout
from .runs import following, making
from .table import (
    Outcome,
    Table,
    client_key,
    clients_prefix,
    fork_key,
    forks_prefix,
    head_key,
)
from .values import number, text

_OPENINGS = 6
"""How often opening a stream looks again: the record of an expired run, one that lasts longer or a
count that begins anew, which somebody else was faster with, then a head that somebody else has put,
make four.
"""

_IS_ABSENT_OR_EXPIRED = "attribute_not_exists(#v) OR #expires <= :now"
"""There is no stream, or it is forgotten."""

_IS_LEFT_BEHIND = "(attribute_not_exists(#closed) AND NOT begins_with(#g, :epoch))"
"""The stream was opened in another epoch, and is open."""

_IS_NONE_OR_KNOWN = f"attribute_not_exists(#v) OR ({IS_KNOWN} AND {IS_NOT_FORKED})"
"""There is no stream, or one in a form that this version knows, and no fork of it."""

_BARE = ", ".join(f"#{name}" for name in ("item", *STATE))
"""All of a head but what grows: its pointers, with what lies in them, its clients and one-shots."""

_IS_BEHIND = "attribute_not_exists(#v) OR #number < :number"
"""The item is missing, or what it remembers is older."""


class DynamoHeads:
    """One item per stream. Each method is one request, apart from `open` where somebody else was
    faster, and from `spill` and `delete_spilled`, which write many items.
    """

    def __init__(self, table: Table, plan: SealingPlan, layout: Layout, inlining: Inlining) -> None:
        if plan.batches > REMOVALS:
            raise ValueError(f"one update can drop {REMOVALS} pointers, not {plan.batches}")
        self._table = table
        self._plan = plan
        self._layout = layout
        self._inlining = inlining

    async def get(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        item = await self._table.get(head_key(stream), strong=strong)
        return decode_head(item) if item else None

    async def open(
        self,
        stream: StreamId,
        head: Head,
        run: Run,
        limits: Limits = NO_LIMITS,
        first: Staged | None = None,
    ) -> Opened:
        if limits.inline_bytes:
            head = replace(head, inlined=0)
        fresh, found = begun(head, first, limits) if first else head, None
        record, opening = making(run, limits), _opening(stream, fresh, limits)
        for _ in range(_OPENINGS):
            # The first batch must not come twice, with a deletion between that took its object.
            failed = await self._table.transact([record, *opening], repeat=first is None)
            if not failed:
                return Opened(found is None, found or fresh)
            if there := failed.get(1):
                # A live head is there, so only the record is left to make.
                found, opening, limits = decode_head(there), [], NO_LIMITS
                record = making(run, limits)
            elif 2 in failed:
                raise source_gone()
            if 0 in failed:
                item = failed[0]
                record = following(decode_run(item) if item else None, run, limits)
        raise Busy("the run changes too fast to open a stream; try again", retry_after=1)

    async def commit(
        self, stream: StreamId, staged: Staged, terms: Terms, skip: int, limits: Limits
    ) -> Committed | NotCommitted:
        batch = staged.batch.rest(skip)
        short = self._layout.is_short(stream)
        update = committing(staged, skip, batch, terms, limits, self._plan, short)
        done, head = _decoded(await self._update(stream, update))
        if head is None:
            return NotCommitted(None)
        self._inlining.learn(stream, head)
        if done:
            return Committed(head.tail - batch.count, head, whole=True)
        self._layout.learn(stream, head.generation)
        return NotCommitted(head, elsewhere=not self._fits(stream, staged, batch, head))

    def _fits(self, stream: StreamId, staged: Staged, batch: Batch, head: Head) -> bool:
        """Say whether *batch* may be where it is; if not, it is put elsewhere the next time."""
        if not staged.inline:
            return self._layout.fits(stream, staged.object, head.generation)
        if not takes(head, batch, self._plan):
            self._inlining.refuse(stream)
            return False
        return True

    async def close(
        self,
        stream: StreamId,
        closed: Closed,
        now: int,
        expires: int,
        *,
        by_run: bool = False,
        fence: int | None = None,
    ) -> Head | None:
        update = closing(closed, by_run, now, expires, fence)
        outcome = await self._update(stream, update, repeat=True)
        return _live(outcome, now)

    async def amend(self, stream: StreamId, amendment: Amendment, now: int) -> Head | None:
        done, head = _decoded(await self._update(stream, amending(amendment, now)))
        return head if done else None

    async def ask_stop(self, stream: StreamId, now: int) -> Head | None:
        return _live(await self._update(stream, asking_stop(now), repeat=True), now)

    async def renew(
        self, stream: StreamId, lease: Lease, now: int, fence: int | None = None
    ) -> Renewed:
        outcome = await self._update(stream, renewing(lease, now, fence), repeat=True)
        return Renewed(*_decoded(outcome))

    async def take_over(
        self, stream: StreamId, lease: Lease | None, now: int, limits: Limits
    ) -> Renewed:
        outcome = await self._update(stream, taking_over(lease, now, limits.epoch))
        return Renewed(*_decoded(outcome))

    async def release(self, stream: StreamId, holder: str) -> Head | None:
        _, head = _decoded(await self._update(stream, releasing(holder), repeat=True))
        return head

    async def use(self, stream: StreamId, generation: str, expires: int, now: int) -> None:
        update = using(generation, expires, now)
        await self._update(stream, update, repeat=True, answer=False)

    async def lose(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        update = losing(seen, closed, expires)
        return (await self._update(stream, update, repeat=True, answer=False)).done

    async def seal(self, stream: StreamId, seen: Head, upto: Pointer, count: int) -> bool:
        return (await self._update(stream, sealing(seen, upto, count), answer=False)).done

    async def spilled(self, stream: StreamId, generation: str, client: str) -> Sent | None:
        item = await self._table.get(client_key(stream, generation, client))
        return decode_sent(item) if item else None

    async def spill(
        self, stream: StreamId, generation: str, clients: Mapping[str, Sent], expires: int
    ) -> None:
        arguments = {
            "ConditionExpression": _IS_BEHIND,
            "ExpressionAttributeNames": aliases(_IS_BEHIND),
        }
        await asyncio.gather(
            *(
                self._table.put(
                    {**client_key(stream, generation, client), **encode_sent(sent, expires)},
                    {**arguments, "ExpressionAttributeValues": {":number": number(sent.number)}},
                )
                for client, sent in clients.items()
            )
        )

    async def forget(
        self, stream: StreamId, seen: Head, clients: Mapping[str, Sent], once: Sequence[str]
    ) -> bool:
        for update in forgetting(seen.generation, clients, once):
            if not (await self._update(stream, update, answer=False)).done:
                return False
        return True

    async def streams(
        self, run: str, limit: int, after: str | None, *, bare: bool = False
    ) -> list[tuple[str, Head]]:
        # No key contains a control character, so this one stands between a key and all later ones.
        low = f"s#{after}\0" if after is not None else "s#"
        arguments = _between(run, low, "s$")
        if bare:
            arguments["ProjectionExpression"] = _BARE
            arguments["ExpressionAttributeNames"] |= aliases(_BARE)
        found = await self._table.query(arguments, limit)
        return [(item["item"]["S"][2:], decode_head(item)) for item in found]

    async def delete(self, stream: StreamId, seen: Head | None = None) -> Head | None:
        condition, values = as_seen(seen) if seen else (_IS_NONE_OR_KNOWN, known())
        arguments = {
            "ConditionExpression": condition,
            "ExpressionAttributeNames": aliases(condition),
            "ExpressionAttributeValues": values,
        }
        _, head = _decoded(await self._table.delete(head_key(stream), arguments))
        return head

    async def bury(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        update = burying(seen, closed, expires)
        return (await self._update(stream, update, repeat=True, answer=False)).done

    async def forks(self, stream: StreamId, generation: str) -> list[ForkRef]:
        prefix = forks_prefix(stream, generation)
        found = await self._table.query(_between(stream.run, prefix, prefix[:-1] + "$"))
        return [decode_fork_ref(item) for item in found]

    async def forget_fork(self, stream: StreamId, generation: str, fork: ForkRef) -> None:
        await self._table.delete_all([fork_key(stream, generation, fork.generation)])

    async def delete_spilled(self, stream: StreamId, generation: str) -> None:
        prefix = clients_prefix(stream, generation)
        arguments = _between(stream.run, prefix, prefix[:-1] + "$")
        keys = "#run, #item"
        arguments |= {"ProjectionExpression": keys}
        found = await self._table.query(arguments)
        await self._table.delete_all([{"run": item["run"], "item": item["item"]} for item in found])

    async def _update(
        self, stream: StreamId, update: Update, *, repeat: bool = False, answer: bool = True
    ) -> Outcome:
        return await self._table.update(
            head_key(stream), update.arguments(), repeat=repeat, answer=answer
        )


def _opening(stream: StreamId, head: Head, limits: Limits) -> list[dict[str, Any]]:
    """Return the writes that put a fresh head; that of a fork is counted and listed as well."""
    putting = _putting(stream, head, limits.epoch)
    if (fork := head.fork) is None:
        return [putting]
    ref = fork_ref(stream, head, limits)
    counting = {"Key": head_key(fork.source), **counting_fork(fork).arguments()}
    key = fork_key(fork.source, fork.generation, head.generation)
    return [putting, {"Update": counting}, {"Put": {"Item": {**key, **encode_fork_ref(ref)}}}]


def _putting(stream: StreamId, head: Head, epoch: int) -> dict[str, Any]:
    condition, values = _IS_ABSENT_OR_EXPIRED, {":now": number(head.created)}
    if epoch:
        condition = f"{condition} OR {_IS_LEFT_BEHIND}"
        values[":epoch"] = text(epoch_prefix(epoch))
    return {
        "Put": {
            "Item": {**head_key(stream), **encode_head(head)},
            "ConditionExpression": condition,
            "ExpressionAttributeNames": aliases(condition),
            "ExpressionAttributeValues": values,
        }
    }


def _decoded(outcome: Outcome) -> tuple[bool, Head | None]:
    return outcome.done, decode_head(outcome.item) if outcome.item else None


def _live(outcome: Outcome, now: int) -> Head | None:
    """Return the head of *outcome* unless it is forgotten; an update leaves only live ones."""
    done, head = _decoded(outcome)
    return head if done or (head is not None and head.expires > now) else None


def _between(run: str, low: str, high: str) -> dict[str, Any]:
    """Return the query for a run's items from *low* to *high*, of which neither is an item."""
    condition = "#run = :run AND #item BETWEEN :low AND :high"
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": aliases(condition),
        "ExpressionAttributeValues": {":run": text(run), ":low": text(low), ":high": text(high)},
        "ConsistentRead": True,
    }
