"""The records of runs in DynamoDB."""

import asyncio
import re
from collections.abc import Callable, Sequence
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ...core.errors import Busy
from ...core.limits import Limits
from ...core.model import Run
from ...core.runs import completed, opened, registered, released
from .codec import SHARDS, decode_run, encode_run, place
from .expressions import aliases
from .table import RECENT, Table, run_key
from .values import number, text, ttl

if TYPE_CHECKING:
    from .values import Item

R = TypeVar("R", bound=Run | None)

ATTEMPTS = 8
"""How often a change of a record starts over because somebody else has changed it."""

_IS_ABSENT = "attribute_not_exists(#v)"
"""There is no record."""

_IS_EXPIRED = "#expires <= :now"
"""The record is of a run that is forgotten, so the name is free."""

_IS_AS_SEEN = (
    "#created = :created AND #expires = :expires"
    " AND {completed}(#completed) AND {count} AND {lease}"
)
"""Nobody has made, extended, completed or leased the run, or opened a stream, since it was read."""

_IS_COUNTED_AS_SEEN = "#counted = :counted AND #streams = :streams"
"""No stream was opened since."""

_IS_LEASED_AS_SEEN = "#lease = :lease AND #lease_ms = :lease_ms AND #lease_by = :lease_by"
"""Nobody has promised anything since."""

_IS_NOT_COMPLETED = "attribute_not_exists(#completed)"
"""The run may open streams."""

_IS_MADE_TO_LAST = "(attribute_not_exists(#expires) OR (#expires > :now AND #expires <= :expires))"
"""There is no record, or one that counts and has to last for longer."""

_LASTS = "#expires > :expires"
"""The record lasts longer than it has to."""

_MAKES_LAST = "#expires = :expires, #ttl = :ttl"
"""The record is forgotten later."""

_HAS_OPENED_FEW = "(attribute_not_exists(#counted) OR (#counted > :began AND #streams < :most))"
"""No stream was counted yet, or the period of the count is not over and it is below the limit."""

_COUNTS = (
    "#streams = if_not_exists(#streams, :none) + :one, #counted = if_not_exists(#counted, :now)"
)
"""One more stream is counted."""

_COUNTS_ANEW = "#streams = :one, #counted = :now"
"""The count of a period that is over begins again."""

PLACE = re.compile(r":\w+")
"""Where a value goes in an expression; DynamoDB refuses those that have none."""


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


def making(run: Run, limits: Limits, there: Run | None = None) -> dict[str, Any]:
    """Return the write that makes *run*'s record if it is missing, makes it last, and counts a
    stream in it where they are limited; nothing else of one that is *there* changes.

    Fails when the run is completed or has opened enough, when the time for counting anew has come,
    when the record is an expired one, and when it lasts longer than any that is known to be there.
    """
    names = ("v", "shard", "created")
    made = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in names)
    if not limits.run_streams:
        return _updating(run, there, [made], [])
    values = {
        ":none": number(0),
        ":one": number(1),
        ":most": number(limits.run_streams),
        ":began": number(run.created - limits.retention_ms),
    }
    return _updating(run, there, [made, _COUNTS], [_HAS_OPENED_FEW], values)


def following(there: Run | None, run: Run, limits: Limits) -> dict[str, Any]:
    """Return the write that does what `making` did not, since *there* was the record. Raises
    `RunCompleted`, `TooManyStreams`.
    """
    wanted = opened(there, run, limits)
    if there is None or there.expires <= run.created:
        return _replacing(wanted) if there else making(run, limits)
    if not there.counted or wanted.counted == there.counted:
        return making(run, limits, there)
    values = {":one": number(1), ":counted": number(there.counted)}
    return _updating(run, there, [_COUNTS_ANEW], ["#counted = :counted"], values)


def _updating(
    run: Run,
    there: Run | None,
    sets: Sequence[str],
    conditions: Sequence[str],
    values: "Item | None" = None,
) -> dict[str, Any]:
    """Return the update of a record that does *sets* on *conditions*, and makes it last for as long
    as *run* says unless the one *there* does.
    """
    lasts = there is not None and there.expires > run.expires
    update = "SET " + ", ".join([*sets, *([] if lasts else [_MAKES_LAST])])
    condition = " AND ".join(
        [_IS_NOT_COMPLETED, _LASTS if lasts else _IS_MADE_TO_LAST, *conditions]
    )
    names = aliases(f"{update} {condition}")
    known = {f":{name}": value for name, value in encode_run(run).items()}
    known |= {":now": number(run.created), **(values or {})}
    used = set(PLACE.findall(f"{update} {condition}"))
    return {
        "Update": {
            "Key": run_key(run.id),
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {name: known[name] for name in sorted(used)},
        }
    }


def _replacing(run: Run) -> dict[str, Any]:
    """Return the write that puts *run*'s record in the place of an expired one."""
    condition = f"{_IS_ABSENT} OR {_IS_EXPIRED}"
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
        return {"ConditionExpression": _IS_ABSENT, "ExpressionAttributeNames": aliases(_IS_ABSENT)}
    condition = _IS_AS_SEEN.format(
        completed="attribute_exists" if there.completed else "attribute_not_exists",
        count=_IS_COUNTED_AS_SEEN if there.counted else "attribute_not_exists(#counted)",
        lease=_IS_LEASED_AS_SEEN if there.lease else "attribute_not_exists(#lease)",
    )
    values = {
        ":created": text(place(there.created, there.id)),
        ":expires": number(there.expires),
    }
    if there.counted:
        values |= {":counted": number(there.counted), ":streams": number(there.streams)}
    if there.lease:
        values[":lease"] = number(there.lease.until)
        values[":lease_ms"] = number(there.lease.ms)
        values[":lease_by"] = text(there.lease.holder)
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": aliases(condition),
        "ExpressionAttributeValues": values,
    }
