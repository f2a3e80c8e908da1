"""Runs in SQLite: one row each."""

import sqlite3
from typing import Any

from ...core.limits import Limits
from ...core.model import Run
from ...core.runs import completed, opened, registered, released
from .head_rows import lease_columns, lease_of
from .queries import Queries
from .transactions import Transactions

_COLUMNS = """
    id, created, expires, parent, root, completed, status, error, streams, counted,
    lease, lease_ms, lease_by
"""

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

    async def get(self, run: str) -> Run | None:
        return self._queries.here(lambda db: _find(db, run))

    async def put(self, run: Run) -> Run:
        return await self._transactions.run(lambda db: _put(db, run))

    async def complete(self, run: Run) -> Run:
        return await self._transactions.run(lambda db: _complete(db, run))

    async def release(self, run: str, holder: str) -> Run | None:
        return await self._transactions.run(lambda db: _release(db, run, holder))

    async def extend(self, run: str, expires: int) -> None:
        await self._transactions.run(
            lambda db: db.execute(
                "UPDATE runs SET expires = max(expires, ?) WHERE id = ? AND completed IS NULL",
                (expires, run),
            )
        )

    async def delete(self, run: str) -> None:
        await self._transactions.run(lambda db: db.execute("DELETE FROM runs WHERE id = ?", (run,)))

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[Run]:
        values = (*(after or _NEVER), limit)
        rows = self._queries.here(lambda db: db.execute(_RECENT, values).fetchall())
        return [_run(*row) for row in rows]


def count(connection: sqlite3.Connection, run: Run, limits: Limits) -> None:
    """Count one more stream of *run*. Raises `RunCompleted`, `TooManyStreams`."""
    there = _find(connection, run.id)
    record = opened(there, run, limits)
    if record != there:
        keep(connection, record)


def keep(connection: sqlite3.Connection, run: Run) -> Run:
    """Write a record, in place of one that may be there."""
    lease = lease_columns(run.lease)
    ended, counts = (run.completed, run.status, run.error), (run.streams, run.counted)
    values = (run.id, run.created, run.expires, run.parent, run.root, *ended, *counts, *lease)
    places = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES ({places})", values)
    return run


def _find(connection: sqlite3.Connection, run: str) -> Run | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run,)).fetchone()
    return _run(*row) if row else None


def _run(*row: Any) -> Run:
    id, created, expires, parent, root, completed, status, error, streams, counted = row[:10]
    if completed is not None and status is None:
        status = "completed"  # a record of the first format does not say more
    ended, lease = (completed, status, error), lease_of(*row[10:])
    return Run(id, created, expires, parent, root, *ended, lease, streams or 0, counted or 0)


def _put(connection: sqlite3.Connection, run: Run) -> Run:
    return keep(connection, registered(_find(connection, run.id), run))


def _complete(connection: sqlite3.Connection, run: Run) -> Run:
    return keep(connection, completed(_find(connection, run.id), run))


def _release(connection: sqlite3.Connection, run: str, holder: str) -> Run | None:
    record = released(_find(connection, run), holder)
    return keep(connection, record) if record else None
