"""The records of runs in DynamoDB."""

import asyncio
from collections.abc import Callable
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ...core.errors import Busy
from ...core.model import Run
from ...core.runs import completed, registered, released
from .codec import SHARDS, decode_run, encode_run, place
from .expressions import aliases
from .table import RECENT, Table, run_key
from .values import number, text, ttl

if TYPE_CHECKING:
    from .values import Item

R = TypeVar("R", bound=Run | None)

ATTEMPTS = 8
"""How often a change of a record starts over because somebody else has changed it."""

IS_ABSENT = "attribute_not_exists(#v)"
"""There is no record."""

IS_EXPIRED = "#expires <= :now"
"""The record is of a run that is forgotten, so the name is free."""

IS_AS_SEEN = "#created = :created AND #expires = :expires AND {completed}(#completed) AND {lease}"
"""Nobody has made, extended, completed or leased the run since it was read."""

IS_LEASED_AS_SEEN = "#lease = :lease AND #lease_ms = :lease_ms AND #lease_by = :lease_by"
"""Nobody has promised anything since."""

MAY_OPEN_STREAMS = (
    "attribute_not_exists(#completed) AND (attribute_not_exists(#expires) OR #expires > :now)"
)
"""The run is not completed, and the record, if there is one, counts."""


class DynamoRuns:
    """One record per run. Changes are rare, so each is a read and a put that starts over when
    somebody else came first.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    async def get(self, run: str) -> Run | None:
        item = await self._table.get(run_key(run))
        return decode_run(item) if item else None

    async def put(self, run: Run) -> Run:
        return await self._change(run.id, lambda there: registered(there, run))

    async def complete(self, run: Run) -> Run:
        return await self._change(run.id, lambda there: completed(there, run))

    async def release(self, run: str, holder: str) -> Run | None:
        return await self._change(run, lambda there: released(there, holder))

    async def extend(self, run: str, expires: int) -> None:
        arguments = {
            "ConditionExpression": "attribute_not_exists(#completed) AND #expires < :expires",
            "UpdateExpression": "SET #expires = :expires, #ttl = :ttl",
            "ExpressionAttributeNames": aliases("#completed #expires #ttl"),
            "ExpressionAttributeValues": {":expires": number(expires), ":ttl": ttl(expires)},
        }
        await self._table.update(run_key(run), arguments, repeat=True, answer=False)

    async def delete(self, run: str) -> None:
        await self._table.delete_all([run_key(run)])

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[Run]:
        shards = await asyncio.gather(
            *(self._recent(str(part), limit, after) for part in range(SHARDS))
        )
        newest = merge(*shards, key=lambda run: (run.created, run.id), reverse=True)
        return list(islice(newest, limit))

    async def _recent(self, part: str, limit: int, after: tuple[int, str] | None) -> list[Run]:
        condition, values = "#shard = :shard", {":shard": text(part)}
        if after is not None:
            condition += " AND #created < :after"
            values[":after"] = text(place(*after))
        arguments = {
            "IndexName": RECENT,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": aliases(condition),
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }
        return [decode_run(item) for item in await self._table.query(arguments, limit)]

    async def _change(self, run: str, decide: Callable[[Run | None], R]) -> R:
        for _ in range(ATTEMPTS):
            there = await self.get(run)
            wanted = decide(there)
            if wanted is None or wanted == there:
                return wanted
            outcome = await self._table.put(_item(wanted), _unless_changed(there))
            if outcome.done:
                return wanted
        raise Busy("the run's record changes too fast; try again", retry_after=1)


def making(run: Run) -> dict[str, Any]:
    """Return the write that makes *run*'s record if it is missing and leaves one that is there.

    Fails when the run is completed, and when the record is an expired one.
    """
    names = ("v", "shard", "created", "expires", "ttl")
    item = encode_run(run)
    update = "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in names)
    return {
        "Update": {
            "Key": run_key(run.id),
            "ConditionExpression": MAY_OPEN_STREAMS,
            "UpdateExpression": update,
            "ExpressionAttributeNames": aliases(f"{update} {MAY_OPEN_STREAMS}"),
            "ExpressionAttributeValues": {
                ":now": number(run.created),
                **{f":{name}": item[name] for name in names},
            },
        }
    }


def replacing(run: Run) -> dict[str, Any]:
    """Return the write that puts *run*'s record in the place of an expired one."""
    condition = f"{IS_ABSENT} OR {IS_EXPIRED}"
    return {
        "Put": {
            "Item": _item(run),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": aliases(condition),
            "ExpressionAttributeValues": {":now": number(run.created)},
        }
    }


def _item(run: Run) -> "Item":
    return {**run_key(run.id), **encode_run(run)}


def _unless_changed(there: Run | None) -> dict[str, Any]:
    if there is None:
        return {"ConditionExpression": IS_ABSENT, "ExpressionAttributeNames": aliases(IS_ABSENT)}
    condition = IS_AS_SEEN.format(
        completed="attribute_exists" if there.completed else "attribute_not_exists",
        lease=IS_LEASED_AS_SEEN if there.lease else "attribute_not_exists(#lease)",
    )
    values = {
        ":created": text(place(there.created, there.id)),
        ":expires": number(there.expires),
    }
    if there.lease:
        values[":lease"] = number(there.lease.until)
        values[":lease_ms"] = number(there.lease.ms)
        values[":lease_by"] = text(there.lease.holder)
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": aliases(condition),
        "ExpressionAttributeValues": values,
    }
