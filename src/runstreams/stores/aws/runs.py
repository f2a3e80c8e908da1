"""The records of runs in DynamoDB."""

import asyncio
from collections.abc import Callable
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...core.errors import Busy
from ...core.model import RunInfo
from ...core.runs import completed, registered
from .codec import SHARDS, decode_run, encode_run, place
from .expressions import aliases
from .table import RECENT, Table, run_key
from .values import number, text, ttl

if TYPE_CHECKING:
    from .values import Item

ATTEMPTS = 8
"""How often a change of a record starts over because somebody else has changed it."""

IS_ABSENT = "attribute_not_exists(#v)"
"""There is no record."""

IS_EXPIRED = "#expires <= :now"
"""The record is of a run that is forgotten, so the name is free."""

IS_AS_SEEN = "#created = :created AND #expires = :expires AND {completed}(#completed)"
"""Nobody has made, extended or completed the run since it was read."""

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

    async def get(self, run: str) -> RunInfo | None:
        item = await self._table.get(run_key(run))
        return decode_run(item) if item else None

    async def put(self, run: RunInfo) -> RunInfo:
        return await self._change(run.id, lambda there: registered(there, run))

    async def complete(self, run: RunInfo) -> RunInfo:
        return await self._change(run.id, lambda there: completed(there, run))

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

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[RunInfo]:
        shards = await asyncio.gather(
            *(self._recent(str(part), limit, after) for part in range(SHARDS))
        )
        newest = merge(*shards, key=lambda run: (run.created, run.id), reverse=True)
        return list(islice(newest, limit))

    async def _recent(self, part: str, limit: int, after: tuple[int, str] | None) -> list[RunInfo]:
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

    async def _change(self, run: str, decide: Callable[[RunInfo | None], RunInfo]) -> RunInfo:
        for _ in range(ATTEMPTS):
            there = await self.get(run)
            wanted = decide(there)
            if wanted == there:
                return wanted
            outcome = await self._table.put(_item(wanted), _unless_changed(there))
            if outcome.done:
                return wanted
        raise Busy("the run's record changes too fast; try again", retry_after=1)


def making(run: RunInfo) -> dict[str, Any]:
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


def replacing(run: RunInfo) -> dict[str, Any]:
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


def _item(run: RunInfo) -> "Item":
    return {**run_key(run.id), **encode_run(run)}


def _unless_changed(there: RunInfo | None) -> dict[str, Any]:
    if there is None:
        return {"ConditionExpression": IS_ABSENT, "ExpressionAttributeNames": aliases(IS_ABSENT)}
    completed = "attribute_exists" if there.completed else "attribute_not_exists"
    condition = IS_AS_SEEN.format(completed=completed)
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": aliases(condition),
        "ExpressionAttributeValues": {
            ":created": text(place(there.created, there.id)),
            ":expires": number(there.expires),
        },
    }
