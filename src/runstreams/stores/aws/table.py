"""The one table: its keys, and the few kinds of requests that are made to it.

| sort key | item |
|---|---|
| `run` | the run's record: lineage, created, completed |
| `s#{key}` | the head of a stream |
| `w#{key}#{generation}#{client}` | a client that has moved out of its head |
| `f#{key}#{generation}#{generation of the fork}` | a stream that was forked from this one |
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from ...core.errors import Busy, StoreError, Uncertain
from ...core.model import StreamId
from ...core.names import encode
from .calls import Calls, code
from .layout import is_short
from .values import text
from .writers import hashed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from .values import Item

RECENT = "recent"
"""Name of the index of runs by their creation."""

_DELETES = 25
"""Most items that one request deletes: DynamoDB's limit."""


class Outcome(NamedTuple):
    """What became of a conditional write: whether it took effect, and the item after it, or else
    as it was found.
    """

    done: bool
    item: "Item | None"


def run_key(run: str) -> "Item":
    """Return the key of a run's record."""
    return {"run": text(run), "item": text("run")}


def head_key(stream: StreamId) -> "Item":
    """Return the key of a stream's head."""
    return {"run": text(stream.run), "item": text(f"s#{stream.key}")}


def client_key(stream: StreamId, generation: str, client: str) -> "Item":
    """Return the key of a client that has moved out of its head, by the name that it had there."""
    own = hashed(client) if is_short(generation) else client
    name = clients_prefix(stream, generation) + encode(own)
    return {"run": text(stream.run), "item": text(name)}


def clients_prefix(stream: StreamId, generation: str) -> str:
    """Return how the sort keys of all clients begin that moved out of a head."""
    return f"w#{encode(stream.key)}#{generation}#"


def fork_key(stream: StreamId, generation: str, fork: str) -> "Item":
    """Return the key of what says that *fork*, a generation, was forked from another one."""
    return {"run": text(stream.run), "item": text(forks_prefix(stream, generation) + fork)}


def forks_prefix(stream: StreamId, generation: str) -> str:
    """Return how the sort keys of all forks of a generation begin."""
    return f"f#{encode(stream.key)}#{generation}#"


class Table:
    """Makes requests to the table.

    Reads are repeated as often as needed. A conditional write is repeated only where its caller
    says that a second time changes nothing.
    """

    def __init__(self, client: "DynamoDBClient", name: str, calls: Calls) -> None:
        self._client = client
        self._name = name
        self._calls = calls

    async def get(self, key: "Item", *, strong: bool = True) -> "Item | None":
        """Return an item; if not *strong*, it may be a moment old."""
        answer = await self._calls.run(
            partial(self._client.get_item, TableName=self._name, Key=key, ConsistentRead=strong)
        )
        return answer.get("Item")

    async def update(
        self, key: "Item", arguments: Mapping[str, Any], *, repeat: bool, answer: bool = True
    ) -> Outcome:
        """Update an item if its condition holds. Without *answer*, no item is sent back: neither
        the new one nor the one that was found.
        """
        work = partial(
            self._client.update_item,
            TableName=self._name,
            Key=key,
            ReturnValues="ALL_NEW" if answer else "NONE",
            ReturnValuesOnConditionCheckFailure="ALL_OLD" if answer else "NONE",
            **arguments,
        )
        return await self._write(work, repeat)

    async def put(self, item: "Item", arguments: Mapping[str, Any]) -> Outcome:
        """Put a whole item if its condition holds."""
        work = partial(
            self._client.put_item,
            TableName=self._name,
            Item=item,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **arguments,
        )
        return await self._write(work, repeat=True)

    async def _write(self, work: "partial[Any]", repeat: bool) -> Outcome:
        try:
            answer = await self._calls.run(work, repeat=repeat, lost=Uncertain)
        except ClientError as error:
            if code(error) != "ConditionalCheckFailedException":
                raise
            return Outcome(False, _found(error.response))
        return Outcome(True, answer.get("Attributes"))

    async def transact(
        self, writes: Sequence[Mapping[str, Any]], *, repeat: bool
    ) -> "dict[int, Item | None]":
        """Do all *writes* or none.

        Return the places of those whose condition failed, with the items found; nothing at all when
        it was done.
        """
        items: list[Any] = [
            {
                verb: {"TableName": self._name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
                | what
            }
            for write in writes
            for verb, what in write.items()
        ]
        work = partial(self._client.transact_write_items, TransactItems=items)
        try:
            await self._calls.run(work, repeat=repeat, lost=Uncertain)
        except ClientError as error:
            if code(error) != "TransactionCanceledException":
                raise
            return _failed(error)
        return {}

    async def delete(self, key: "Item", arguments: Mapping[str, Any]) -> Outcome:
        """Remove an item if its condition holds; the outcome has it, removed or as it was found."""
        work = partial(
            self._client.delete_item,
            TableName=self._name,
            Key=key,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **arguments,
        )
        return await self._write(work, repeat=False)

    async def query(self, arguments: Mapping[str, Any], limit: int | None = None) -> "list[Item]":
        """Return the items that a query finds, at most *limit*; DynamoDB gives them by the
        megabyte.
        """
        found: list[Item] = []
        start: dict[str, Any] = {}
        while limit is None or len(found) < limit:
            most = {} if limit is None else {"Limit": limit - len(found)}
            answer = await self._calls.run(
                partial(self._client.query, TableName=self._name, **{**arguments, **most, **start})
            )
            found += answer["Items"]
            if not answer.get("LastEvaluatedKey"):
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    async def delete_all(self, keys: "Sequence[Item]") -> None:
        """Remove items; those that are gone already are fine."""
        for at in range(0, len(keys), _DELETES):
            left: Any = [{"DeleteRequest": {"Key": key}} for key in keys[at : at + _DELETES]]
            while left:
                left = await self._delete_some(left)

    async def _delete_some(self, requests: list[Any]) -> list[Any]:
        work = partial(self._client.batch_write_item, RequestItems={self._name: requests})
        answer = await self._calls.run(work, lost=Uncertain)
        left = answer.get("UnprocessedItems", {}).get(self._name, [])
        if len(left) == len(requests):
            raise Busy("DynamoDB is too busy to delete anything", retry_after=1)
        return list(left)


def _found(answer: Mapping[str, Any]) -> "Item | None":
    return answer.get("Item") or None


def _failed(error: ClientError) -> "dict[int, Item | None]":
    reasons = error.response.get("CancellationReasons", [])
    failed = {
        at: _found(reason)
        for at, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if not failed:
        raise StoreError(f"DynamoDB cancelled a transaction: {error}") from error
    return failed
