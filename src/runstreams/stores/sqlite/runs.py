"""Runs in SQLite: one row each."""

import sqlite3

from ...core.model import RunInfo
from ...core.runs import completed, registered
from .queries import Queries
from .transactions import Transactions

_COLUMNS = "id, created, expires, parent, root, completed"

_RECENT = f"""
    SELECT {_COLUMNS} FROM runs WHERE (created, id) < (?, ?)
    ORDER BY created DESC, id DESC LIMIT ?
"""

_NEVER = (1 << 62, "")
"""A place after which, newest first, all runs come."""


class SqliteRuns:
    """Runs by id, and by age."""

    def __init__(self, queries: Queries, transactions: Transactions) -> None:
        self._queries = queries
        self._transactions = transactions

    async def get(self, run: str) -> RunInfo | None:
        return self._queries.here(lambda db: _find(db, run))

    async def put(self, run: RunInfo) -> RunInfo:
        return await self._transactions.run(lambda db: _put(db, run))

    async def complete(self, run: RunInfo) -> RunInfo:
        return await self._transactions.run(lambda db: _complete(db, run))

    async def extend(self, run: str, expires: int) -> None:
        await self._transactions.run(
            lambda db: db.execute(
                "UPDATE runs SET expires = max(expires, ?) WHERE id = ? AND completed IS NULL",
                (expires, run),
            )
        )

    async def delete(self, run: str) -> None:
        await self._transactions.run(lambda db: db.execute("DELETE FROM runs WHERE id = ?", (run,)))

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[RunInfo]:
        values = (*(after or _NEVER), limit)
        rows = self._queries.here(lambda db: db.execute(_RECENT, values).fetchall())
        return [RunInfo(*row) for row in rows]


def live(connection: sqlite3.Connection, run: str, now: int) -> RunInfo | None:
    """Return the record unless it has expired by *now*."""
    record = _find(connection, run)
    return record if record is not None and record.expires > now else None


def keep(connection: sqlite3.Connection, run: RunInfo) -> RunInfo:
    """Write a record, in place of one that may be there."""
    values = (run.id, run.created, run.expires, run.parent, run.root, run.completed)
    connection.execute(
        f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values
    )
    return run


def _find(connection: sqlite3.Connection, run: str) -> RunInfo | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run,)).fetchone()
    return RunInfo(*row) if row else None


def _put(connection: sqlite3.Connection, run: RunInfo) -> RunInfo:
    return keep(connection, registered(_find(connection, run.id), run))


def _complete(connection: sqlite3.Connection, run: RunInfo) -> RunInfo:
    return keep(connection, completed(_find(connection, run.id), run))
