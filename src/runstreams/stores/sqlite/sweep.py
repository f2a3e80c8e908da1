"""The sweep: what has expired and what nobody refers to is removed, and free space given back.

It works in small steps, each a transaction of its own that decides anew, so that appends go on
between them, several processes may sweep at once, and one that is broken off is simply run again.
Nothing depends on it: what has expired is never read, swept or not.
"""

import asyncio
import sqlite3
from functools import partial
from typing import NamedTuple, TypeVar

from ...core.limits import Limits
from ...core.retention import cutoff, is_expired
from . import fork_rows, head_rows, retiring
from .queries import Queries
from .segments import AT_ONCE
from .transactions import PAGE_BYTES, Step, Transactions

T = TypeVar("T")

ROWS = 256
"""Rows looked at in one step; that takes a ms at most."""

_VACUUM_PAGES = 64
"""Pages given back in one step; that takes a ms or two."""

SPARE_PAGES = 1024
"""So many free pages stay, or a third of those in use if that is more: appends will need them."""

PAUSE_SECONDS = 0.005
"""Pause after a step, so that appends get their turn."""

_EXPIRED_BATCHES = """
    SELECT heads.id FROM heads JOIN batches
      ON batches.head = heads.id AND batches.first = heads.sealed
    WHERE heads.id > ? AND heads.id <= ? AND batches.time <= ?
"""
"""Heads whose oldest unsealed batch has expired: it begins at the sealed index."""

_DOOMED_SEGMENTS = """
    SELECT segments.id FROM segments LEFT JOIN heads
      ON heads.run = segments.run AND heads.key = segments.key
     AND heads.generation = segments.generation
    WHERE segments.id > ? AND segments.id <= ? AND (segments.time <= ? OR (
        heads.id IS NULL AND NOT EXISTS (
            SELECT 1 FROM forks
            WHERE forks.run = segments.run AND forks.key = segments.key
              AND forks.generation = segments.generation)))
    LIMIT ?
"""
"""Segments whose last chunk has expired, and those of a generation that has neither a head nor a
fork any more: a head is there before its first segment, so those will never be read.
"""

_EXPIRED_SPILLED = """
    DELETE FROM spilled WHERE (run, key, generation, client) IN (
        SELECT run, key, generation, client FROM spilled WHERE expires <= ? LIMIT ?)
"""


class Swept(NamedTuple):
    """How much a sweep has removed."""

    streams: int
    segments: int
    runs: int
    pages: int
    """Pages of the file that were given back."""


class Sweep:
    """One sweep, at *now*."""

    def __init__(
        self, queries: Queries, transactions: Transactions, now: int, limits: Limits
    ) -> None:
        self._queries = queries
        self._transactions = transactions
        self._now = now
        self._limits = limits
        self._gone = cutoff(now, limits)

    async def run(self) -> Swept:
        """Remove everything that is to go."""
        streams = await self._streams()
        while await self._step(self._let_go):
            pass
        await self._retired()
        segments = await self._segments()
        runs = await self._runs()
        while await self._step(lambda db: db.execute(_EXPIRED_SPILLED, (self._now, ROWS)).rowcount):
            pass
        return Swept(streams, segments, runs, await self._vacuum())

    async def _streams(self) -> int:
        removed = after = 0
        while found := await self._queries.aside(
            partial(head_rows.scanned, after=after, limit=ROWS)
        ):
            upto = found[-1].id
            if any(is_expired(each.head, self._now, self._limits) for each in found):
                removed += await self._step(partial(self._retire_expired, after=after))
            for head in await self._queries.aside(
                partial(self._with_expired_batches, after=after, upto=upto)
            ):
                while await self._step(partial(self._drop_expired, head=head)):
                    pass
            after = upto
        return removed

    def _retire_expired(self, connection: sqlite3.Connection, after: int) -> int:
        found = head_rows.scanned(connection, after, ROWS)
        expired = [each.id for each in found if is_expired(each.head, self._now, self._limits)]
        for head in expired:
            retiring.retire(connection, head)
        return len(expired)

    def _with_expired_batches(
        self, connection: sqlite3.Connection, after: int, upto: int
    ) -> list[int]:
        rows = connection.execute(_EXPIRED_BATCHES, (after, upto, self._gone))
        return [head for (head,) in rows]

    def _drop_expired(self, connection: sqlite3.Connection, head: int) -> bool:
        expired = head_rows.oldest(connection, head, self._gone, ROWS)
        if expired:
            head_rows.drop(connection, head, expired[-1])
        return len(expired) == ROWS

    def _let_go(self, connection: sqlite3.Connection) -> int:
        """Remove what is known of forks that are gone, and heads that were kept for them; return
        how many went, as what those had of others may go next.
        """
        gone = fork_rows.forget_gone(connection, self._now)
        unneeded = fork_rows.unneeded(connection)
        for head in unneeded:
            retiring.retire(connection, head)
        return gone + len(unneeded)

    async def _retired(self) -> None:
        for head in await self._queries.aside(retiring.retired):
            await retiring.remove(self._transactions, head)

    async def _segments(self) -> int:
        removed = after = 0
        while ids := await self._queries.aside(partial(_ids, after=after)):
            doomed = partial(self._doomed, after=after, upto=ids[-1])
            if await self._queries.aside(doomed):
                while count := await self._step(partial(_delete_segments, doomed=doomed)):
                    removed += count
            after = ids[-1]
        return removed

    def _doomed(self, connection: sqlite3.Connection, after: int, upto: int) -> list[tuple[int]]:
        values = (after, upto, self._gone, AT_ONCE)
        return connection.execute(_DOOMED_SEGMENTS, values).fetchall()

    async def _runs(self) -> int:
        removed, after = 0, ""
        while rows := await self._queries.aside(partial(_run_ids, after=after)):
            expired = [(run, self._now) for run, expires in rows if expires <= self._now]
            if expired:
                removed += await self._step(partial(_delete_runs, expired=expired))
            after = rows[-1][0]
        return removed

    async def _vacuum(self) -> int:
        excess = await self._queries.aside(_excess_pages)
        for _ in range(0, excess, _VACUUM_PAGES):
            await self._step(_give_back, _VACUUM_PAGES * PAGE_BYTES)
        return max(excess, 0)

    async def _step(self, step: Step[T], size: int = 0) -> T:
        result = await self._transactions.run(step, size, aside=True)
        await asyncio.sleep(PAUSE_SECONDS)
        return result


def _ids(connection: sqlite3.Connection, after: int) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM segments WHERE id > ? ORDER BY id LIMIT ?", (after, ROWS)
    )
    return [id for (id,) in rows]


def _delete_segments(connection: sqlite3.Connection, doomed: Step[list[tuple[int]]]) -> int:
    ids = doomed(connection)
    connection.executemany("DELETE FROM segments WHERE id = ?", ids)
    return len(ids)


def _run_ids(connection: sqlite3.Connection, after: str) -> list[tuple[str, int]]:
    return connection.execute(
        "SELECT id, expires FROM runs WHERE id > ? ORDER BY id LIMIT ?", (after, ROWS)
    ).fetchall()


def _delete_runs(connection: sqlite3.Connection, expired: list[tuple[str, int]]) -> int:
    return connection.executemany(
        "DELETE FROM runs WHERE id = ? AND expires <= ?", expired
    ).rowcount


def _excess_pages(connection: sqlite3.Connection) -> int:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    return int(free) - max(SPARE_PAGES, int(pages - free) // 3)


def _give_back(connection: sqlite3.Connection) -> None:
    # One page at a time, since Python ends a statement without columns after its first step.
    for _ in range(_VACUUM_PAGES):
        connection.execute("PRAGMA incremental_vacuum(1)")
