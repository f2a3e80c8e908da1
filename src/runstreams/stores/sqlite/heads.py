"""Heads in SQLite: each change is one transaction, or part of one."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from ...core.commit import amended, may_amend
from ...core.fencing import may_pass, taken_over
from ...core.forks import fork_ref, may_go
from ...core.leasing import may_follow, reach
from ...core.limits import NO_LIMITS, Limits
from ...core.model import (
    Amendment,
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
from ...core.position import is_left_behind
from . import fork_rows, head_rows, retiring, runs, writers
from .appends import Appends
from .head_rows import Found, find
from .queries import Queries
from .recent import RecentHeads
from .schema import transaction
from .transactions import Transactions


class SqliteHeads:
    """One row per stream; its pointers and writers in rows of their own."""

    def __init__(self, queries: Queries, transactions: Transactions, appends: Appends) -> None:
        self._queries = queries
        self._transactions = transactions
        self._appends = appends
        self._writers = partial(writers.lazily, queries)
        self._recent = RecentHeads(queries)

    async def get(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        return self._recent.find(stream, since, lambda db: self._get(db, stream, since))

    async def open(
        self,
        stream: StreamId,
        head: Head,
        run: Run,
        limits: Limits = NO_LIMITS,
        first: Staged | None = None,
    ) -> Opened:
        return await self._transactions.run(
            lambda db: self._open(db, stream, head, run, limits, first),
            len(first.batch.lines) if first else 0,
        )

    async def commit(
        self, stream: StreamId, staged: Staged, terms: Terms, skip: int, limits: Limits
    ) -> Committed | NotCommitted:
        return await self._transactions.run(
            lambda db: self._appends.commit(db, stream, staged, terms, skip, limits),
            len(staged.batch.lines),
            is_append=True,
        )

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
        return await self._transactions.run(
            lambda db: _close(db, stream, closed, now, expires, by_run, fence)
        )

    async def amend(self, stream: StreamId, amendment: Amendment, now: int) -> Head | None:
        return await self._transactions.run(lambda db: _amend(db, stream, amendment, now))

    async def ask_stop(self, stream: StreamId, now: int) -> Head | None:
        return await self._transactions.run(lambda db: _ask_stop(db, stream, now))

    async def renew(
        self, stream: StreamId, lease: Lease, now: int, fence: int | None = None
    ) -> Renewed:
        return await self._transactions.run(lambda db: _renew(db, stream, lease, now, fence))

    async def take_over(
        self, stream: StreamId, lease: Lease | None, now: int, limits: Limits
    ) -> Renewed:
        return await self._transactions.run(lambda db: _take_over(db, stream, lease, now, limits))

    async def release(self, stream: StreamId, holder: str) -> Head | None:
        return await self._transactions.run(lambda db: _release(db, stream, holder))

    async def use(self, stream: StreamId, generation: str, expires: int, now: int) -> None:
        await self._transactions.run(lambda db: _use(db, stream, generation, expires, now))

    async def lose(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        return await self._transactions.run(lambda db: _lose(db, stream, seen, closed, expires))

    async def seal(self, stream: StreamId, seen: Head, upto: Pointer, count: int) -> bool:
        size = sum(pointer.size for pointer in seen.pending[:count])
        return await self._transactions.run(lambda db: _seal(db, stream, seen, upto), size)

    async def spilled(self, stream: StreamId, generation: str, client: str) -> Sent | None:
        return self._queries.here(lambda db: writers.spilled(db, stream, generation, client))

    async def spill(
        self, stream: StreamId, generation: str, clients: Mapping[str, Sent], expires: int
    ) -> None:
        await self._transactions.run(
            lambda db: writers.spill(db, stream, generation, clients, expires)
        )

    async def forget(
        self, stream: StreamId, seen: Head, clients: Mapping[str, Sent], once: Sequence[str]
    ) -> bool:
        return await self._transactions.run(lambda db: _forget(db, stream, seen, clients, once))

    async def streams(
        self, run: str, limit: int, after: str | None, *, bare: bool = False
    ) -> list[tuple[str, Head]]:
        found = self._queries.here(
            lambda db: head_rows.listed(db, run, after or "", limit, self._writers)
        )
        return [(each.key, each.head) for each in found]

    async def delete(self, stream: StreamId, seen: Head | None = None) -> Head | None:
        found = await self._transactions.run(lambda db: _delete(db, stream, seen), aside=True)
        if found is None:
            return None
        if may_go(found.head, seen):
            await retiring.remove(self._transactions, found.id)
        return found.head

    async def bury(self, stream: StreamId, seen: Head, closed: Closed, expires: int) -> bool:
        return await self._transactions.run(lambda db: _bury(db, stream, seen, closed, expires))

    async def forks(self, stream: StreamId, generation: str) -> list[ForkRef]:
        return self._queries.here(lambda db: fork_rows.listed(db, stream, generation))

    async def forget_fork(self, stream: StreamId, generation: str, fork: ForkRef) -> None:
        await self._transactions.run(lambda db: fork_rows.forget(db, stream, generation, fork))

    async def delete_spilled(self, stream: StreamId, generation: str) -> None:
        await self._transactions.run(lambda db: writers.forget_spilled(db, stream, generation))

    def _open(
        self,
        connection: sqlite3.Connection,
        stream: StreamId,
        head: Head,
        run: Run,
        limits: Limits,
        first: Staged | None,
    ) -> Opened:
        found = find(connection, stream)
        if found is not None and not _gives_way(found.head, head.created, limits):
            runs.count(connection, run, NO_LIMITS)
            known = self._appends.known(connection, stream, first.batch) if first else found
            return Opened(False, (known or found).head)
        if head.fork is not None:
            fork_rows.check_source(connection, head.fork)
        runs.count(connection, run, limits)
        if found is not None:
            retiring.retire(connection, found.id)
        if head.fork is not None:
            fork_rows.register(connection, head.fork, fork_ref(stream, head, limits))
        head_rows.insert(connection, stream, head)
        if first is not None:
            head = self._appends.begin(connection, stream, head, first, limits)
        return Opened(True, head)

    def _get(self, connection: sqlite3.Connection, stream: StreamId, since: int) -> Head | None:
        with transaction(connection, "DEFERRED"):
            found = find(connection, stream, self._writers)
            if found is None:
                return None
            head = found.head
            if head.pending and head.pending[0].first > max(since, head.sealed):
                pending = head_rows.pointers(connection, found.id, since)
                head = replace(head, pending=pending)
            return head


def _gives_way(head: Head, now: int, limits: Limits) -> bool:
    """Say whether a fresh head takes the place of *head*."""
    return head.expires <= now or is_left_behind(head, limits.epoch)


def _close(
    connection: sqlite3.Connection,
    stream: StreamId,
    closed: Closed,
    now: int,
    expires: int,
    by_run: bool,
    fence: int | None,
) -> Head | None:
    found = find(connection, stream)
    if found is None or found.head.expires <= now:
        return None
    if found.head.closed is not None or not may_pass(found.head, fence):
        return found.head
    head_rows.close(connection, found.id, closed, expires, by_run)
    return replace(found.head, closed=closed, closed_by_run=by_run, expires=expires)


def _amend(
    connection: sqlite3.Connection, stream: StreamId, amendment: Amendment, now: int
) -> Head | None:
    found = find(connection, stream)
    if found is None or found.head.expires <= now or not may_amend(found.head, amendment):
        return None
    head = amended(found.head, amendment)
    head_rows.amend(connection, {found.id: head})
    return head


def _ask_stop(connection: sqlite3.Connection, stream: StreamId, now: int) -> Head | None:
    found = find(connection, stream)
    if found is None or found.head.expires <= now:
        return None
    connection.execute("UPDATE heads SET stop = 1 WHERE id = ?", (found.id,))
    return replace(found.head, stop=True)


def _renew(
    connection: sqlite3.Connection, stream: StreamId, lease: Lease, now: int, fence: int | None
) -> Renewed:
    found = find(connection, stream)
    if found is None:
        return Renewed(False, None)
    head = found.head
    if head.closed is not None or head.expires <= now or not may_follow(head.lease, lease):
        return Renewed(False, head)
    if not may_pass(head, fence):
        return Renewed(False, head)
    head_rows.lease(connection, {found.id: lease})
    return Renewed(True, replace(head, lease=lease))


def _take_over(
    connection: sqlite3.Connection,
    stream: StreamId,
    lease: Lease | None,
    now: int,
    limits: Limits,
) -> Renewed:
    found = find(connection, stream)
    if found is None:
        return Renewed(False, None)
    if found.head.closed is not None or _gives_way(found.head, now, limits):
        return Renewed(False, found.head)
    head = taken_over(found.head, lease)
    head_rows.take_over(connection, found.id, head)
    return Renewed(True, head)


def _release(connection: sqlite3.Connection, stream: StreamId, holder: str) -> Head | None:
    found = find(connection, stream)
    if found is None:
        return None
    if found.head.lease is None or found.head.lease.holder != holder:
        return found.head
    head_rows.lease(connection, {found.id: None})
    return replace(found.head, lease=None)


def _use(
    connection: sqlite3.Connection, stream: StreamId, generation: str, expires: int, now: int
) -> None:
    found = find(connection, stream)
    if found is None or found.head.generation != generation:
        return
    if now < found.head.expires < expires:
        connection.execute("UPDATE heads SET expires = ? WHERE id = ?", (expires, found.id))


def _lose(
    connection: sqlite3.Connection, stream: StreamId, seen: Head, closed: Closed, expires: int
) -> bool:
    found = find(connection, stream)
    if found is None or found.head.closed is not None:
        return False
    head = found.head
    if (head.generation, head.tail) != (seen.generation, seen.tail):
        return False
    if reach(head.lease) != reach(seen.lease):
        return False
    head_rows.close(connection, found.id, closed, expires, by_run=False)
    return True


def _seal(connection: sqlite3.Connection, stream: StreamId, seen: Head, upto: Pointer) -> bool:
    # Generation and sealed index as seen mean that the first pointer is as seen, too: it begins
    # at the sealed index.
    found = find(connection, stream)
    if found is None:
        return False
    if (found.head.generation, found.head.sealed) != (seen.generation, seen.sealed):
        return False
    head_rows.drop(connection, found.id, upto)
    writers.trim_once(connection, found.id)
    return True


def _forget(
    connection: sqlite3.Connection,
    stream: StreamId,
    seen: Head,
    clients: Mapping[str, Sent],
    once: Sequence[str],
) -> bool:
    found = find(connection, stream)
    if found is None or found.head.generation != seen.generation:
        return False
    if not writers.forget(connection, found.id, clients, once):
        return False
    connection.execute("UPDATE heads SET spills = spills + 1 WHERE id = ?", (found.id,))
    return True


def _bury(
    connection: sqlite3.Connection, stream: StreamId, seen: Head, closed: Closed, expires: int
) -> bool:
    found = find(connection, stream)
    if found is None or found.head.generation != seen.generation:
        return False
    head_rows.close(connection, found.id, closed, expires, by_run=False)
    return True


def _delete(connection: sqlite3.Connection, stream: StreamId, seen: Head | None) -> Found | None:
    found = find(connection, stream, partial(writers.all_of, connection))
    if found is None or not may_go(found.head, seen):
        return found
    pending = head_rows.pointers(connection, found.id, 0)
    retiring.retire(connection, found.id)
    return found._replace(head=replace(found.head, pending=pending))
