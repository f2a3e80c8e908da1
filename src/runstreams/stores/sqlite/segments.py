"""Segments in SQLite: one row each. docs/embedded-store.md has the measurement behind that."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from ...core.errors import ObjectMissing
from ...core.limits import NAMES_AT_ONCE
from ...core.model import SegmentName, StreamId
from .queries import Queries
from .schema import transaction
from .transactions import Transactions

AT_ONCE = 4
"""Segments deleted in one transaction: at most some 4 MiB, which take some 5 ms."""

_IS = "run = ? AND key = ? AND generation = ? AND last = ? AND first = ?"

_PUT = """
    INSERT OR REPLACE INTO segments (run, key, generation, last, first, time, size, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_NAMES = """
    SELECT generation, last, first, time, size FROM segments
    WHERE run = ? AND key = ? AND generation = ? AND last >= ?
    ORDER BY last, first LIMIT ?
"""

_GENERATIONS = "SELECT DISTINCT generation FROM segments WHERE run = ? AND key = ?"

Key = tuple[str, str, str, int, int]
"""What tells a segment from all others."""


class SqliteSegments:
    """Immutable rows, found by stream, generation and last index."""

    def __init__(self, queries: Queries, transactions: Transactions) -> None:
        self._queries = queries
        self._transactions = transactions

    async def put(self, stream: StreamId, name: SegmentName, body: bytes) -> None:
        row = (*_key(stream, name), name.time, len(body), body)
        await self._transactions.run(lambda db: db.execute(_PUT, row), len(body))

    async def get(self, stream: StreamId, name: SegmentName, start: int, end: int) -> bytes:
        return await self._queries.aside(lambda db: _get(db, stream, name, start, end))

    async def names(self, stream: StreamId, generation: str, index: int) -> list[SegmentName]:
        values = (*stream, generation, index, NAMES_AT_ONCE)
        rows = self._queries.here(lambda db: db.execute(_NAMES, values).fetchall())
        return [SegmentName(*row) for row in rows]

    async def generations(self, stream: StreamId) -> list[str]:
        rows = self._queries.here(lambda db: db.execute(_GENERATIONS, stream).fetchall())
        return [generation for (generation,) in rows]

    async def delete(self, stream: StreamId, names: Sequence[SegmentName]) -> None:
        for at in range(0, len(names), AT_ONCE):
            keys = [_key(stream, name) for name in names[at : at + AT_ONCE]]
            await self._transactions.run(partial(_delete, keys=keys), aside=True)


def _key(stream: StreamId, name: SegmentName) -> Key:
    return (*stream, name.generation, name.last, name.first)


def _get(
    connection: sqlite3.Connection, stream: StreamId, name: SegmentName, start: int, end: int
) -> bytes:
    with transaction(connection, "DEFERRED"):
        row = connection.execute(
            f"SELECT id FROM segments WHERE {_IS}", _key(stream, name)
        ).fetchone()
        if row is None:
            raise ObjectMissing(f"segment {name} is gone")
        with connection.blobopen("segments", "body", row[0], readonly=True) as body:
            body.seek(min(start, len(body)))
            return body.read(max(end - start, 0))


def _delete(connection: sqlite3.Connection, keys: Sequence[Key]) -> None:
    connection.executemany(f"DELETE FROM segments WHERE {_IS}", keys)
