"""Unsealed batches in SQLite: rows that are written by the commit itself, and are all it writes."""

import sqlite3
from collections.abc import Sequence

from ...core.errors import ObjectMissing
from ...core.limits import NO_LIMITS, Limits
from ...core.model import Batch, Pointer, StoredBatch, StreamId
from ...core.ports import NewId, Staged
from .head_rows import Found, Row
from .queries import Queries
from .recent import RecentBatches
from .transactions import Transactions

_ASIDE_BYTES = 256 * 1024
"""Batches of more bytes are read beside the event loop. Many small ones are not: for each row the
thread would have to wait for its turn.
"""

_INSERT = """
    INSERT INTO batches (head, first, object, skip, count, size, time, batches, total, appended,
                         appended_before, expires, client, number, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_OF_STREAM = """
    FROM batches
    WHERE head = (SELECT id FROM heads WHERE run = ? AND key = ?) AND typeof(body) = 'blob'
"""
"""A body that was deleted is null. Asking for its type spares reading it."""

_GET = f"SELECT object, body, client, number {_OF_STREAM} AND first BETWEEN ? AND ?"
_OBJECTS = f"SELECT object, head, first {_OF_STREAM}"
_EMPTY = "UPDATE batches SET body = NULL WHERE head = ? AND first = ?"


class SqliteBatches:
    """A batch is found where its pointer says, and checked to be the one that it names."""

    def __init__(self, queries: Queries, transactions: Transactions, new_id: NewId) -> None:
        self._queries = queries
        self._transactions = transactions
        self._new_id = new_id
        self._recent = RecentBatches()

    async def put(self, stream: StreamId, batch: Batch, limits: Limits = NO_LIMITS) -> Staged:
        staged = Staged(self._new_id(), batch)  # the commit writes it
        self._recent.keep(staged)
        return staged

    async def get(self, stream: StreamId, pointers: Sequence[Pointer]) -> list[StoredBatch]:
        if (recent := self._recent.find(pointers)) is not None:
            return recent
        if sum(pointer.size for pointer in pointers) > _ASIDE_BYTES:
            return await self._queries.aside(lambda db: _get(db, stream, pointers))
        return self._queries.here(lambda db: _get(db, stream, pointers))

    async def delete(self, stream: StreamId, objects: Sequence[str]) -> None:
        for object in objects:
            self._recent.drop(object)
        # Sealing and deleting have mostly removed the rows already.
        left = self._queries.here(lambda db: _places(db, stream, objects))
        if left:
            # The pointers stay until the head is sealed or deleted, as with any other store.
            await self._transactions.run(lambda db: db.executemany(_EMPTY, left))


def row(found: Found, batch: Batch) -> Row:
    """Return the row of the newest batch of *found*; *batch* is the whole of it."""
    head = found.head
    last = head.pending[-1]
    return (
        found.id,
        last.first,
        last.object,
        last.skip,
        last.count,
        last.size,
        last.time,
        found.batches,
        head.size,
        head.appended,
        head.appended_before,
        head.expires,
        batch.client,
        batch.number,
        batch.lines,
    )


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Add committed batches."""
    connection.executemany(_INSERT, rows)


def _get(
    connection: sqlite3.Connection, stream: StreamId, pointers: Sequence[Pointer]
) -> list[StoredBatch]:
    if not pointers:
        return []
    rows = connection.execute(_GET, (*stream, pointers[0].first, pointers[-1].first))
    found = {object: StoredBatch(body, client, number) for object, body, client, number in rows}
    try:
        return [found[pointer.object] for pointer in pointers]
    except KeyError as error:
        raise ObjectMissing(f"batch {error} is gone") from None


def _places(
    connection: sqlite3.Connection, stream: StreamId, objects: Sequence[str]
) -> list[tuple[int, int]]:
    wanted = set(objects)
    rows = connection.execute(_OBJECTS, stream)
    return [(head, first) for object, head, first in rows if object in wanted]
