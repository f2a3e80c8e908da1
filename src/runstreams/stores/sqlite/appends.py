"""Appends inside a transaction: decided in memory, and written together at its end.

A head that this process has appended to is remembered from one transaction to the next, since
reading it takes as long as all the rest of an append. It is read again after anybody else has
written: another process, or a step that is no append.
"""

import sqlite3
from dataclasses import replace

from ...core.commit import applied, begun, fits
from ...core.limits import Limits, SealingPlan
from ...core.model import Batch, Head, Lease, Sent, StreamId
from ...core.ports import Committed, NotCommitted, Staged, Terms
from . import batches, head_rows, writers
from .head_rows import Found, Row, find

HEADS_KEPT = 1024
"""Heads remembered; each takes about 2 KB."""

POINTERS_KEPT = 32
"""Pointers remembered of a head: readers whom an append wakes need the newest ones."""

WRITERS_KEPT = 4096
"""Clients of which it is remembered how far they have come."""


class Appends:
    """The appends of the transaction under way, and what is known from earlier ones.

    Used by one thread at a time, that which has the transaction.
    """

    def __init__(self, plan: SealingPlan) -> None:
        self._plan = plan
        self._heads: dict[StreamId, Found] = {}
        self._clients: dict[tuple[int, str], Sent] = {}
        self._new_batches: list[Row] = []
        self._new_clients: dict[tuple[int, str], Sent] = {}
        self._new_once: dict[tuple[int, str], int] = {}
        self._new_leases: dict[int, Lease | None] = {}
        self._amended: dict[int, Head] = {}
        self._superseding: dict[int, Head] = {}

    def commit(
        self,
        connection: sqlite3.Connection,
        stream: StreamId,
        staged: Staged,
        terms: Terms,
        skip: int,
        limits: Limits,
    ) -> Committed | NotCommitted:
        """Decide on an append; `flush` writes it."""
        batch = staged.batch.rest(skip)
        found = self.known(connection, stream, batch)
        if found is None:
            return NotCommitted(None)
        if not fits(found.head, batch, terms, limits, self._plan):
            return NotCommitted(found.head)
        head = applied(found.head, staged, terms, skip, batch, limits)
        self._add(stream, found, head, staged, batch)
        if terms.lease is not None:
            self._new_leases[found.id] = terms.lease
        if terms.amendment is not None:
            self._amended[found.id] = head
        if batch.supersedes is not None:
            self._superseding[found.id] = head
        return Committed(found.head.tail, head)

    def begin(
        self,
        connection: sqlite3.Connection,
        stream: StreamId,
        fresh: Head,
        first: Staged,
        limits: Limits,
    ) -> Head:
        """Write the first append of a stream whose *fresh* head has just been put; return the
        head.
        """
        found, head = find(connection, stream), begun(fresh, first, limits)
        assert found is not None
        self._add(stream, found, head, first, first.batch)
        if head.lease is not None:
            self._new_leases[found.id] = head.lease
        if head.superseded != fresh.superseded:
            self._superseding[found.id] = head
        self.flush(connection)
        return head

    def _add(
        self, stream: StreamId, found: Found, head: Head, staged: Staged, batch: Batch
    ) -> None:
        new = Found(found.id, found.key, head, found.batches + 1)
        self._new_batches.append(batches.row(new, staged.batch))
        self._note_writer(new, batch)
        self._heads[stream] = _trimmed(new)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was decided."""
        if self._new_batches:
            batches.insert(connection, self._new_batches)
            self._new_batches = []
        if self._new_clients:
            writers.keep_clients(connection, self._new_clients)
            self._new_clients = {}
        if self._new_once:
            writers.keep_once(connection, self._new_once)
            self._new_once = {}
        if self._new_leases:
            head_rows.lease(connection, self._new_leases)
            self._new_leases = {}
        if self._amended:
            head_rows.amend(connection, self._amended)
            self._amended = {}
        if self._superseding:
            head_rows.supersede(connection, self._superseding)
            self._superseding = {}
        if len(self._heads) > HEADS_KEPT or len(self._clients) > WRITERS_KEPT:
            self.forget()

    def forget(self) -> None:
        """Know nothing any more, since others have written or the transaction was undone."""
        self._heads, self._clients = {}, {}
        self._new_batches, self._new_clients, self._new_once = [], {}, {}
        self._new_leases, self._amended, self._superseding = {}, {}, {}

    def known(self, connection: sqlite3.Connection, stream: StreamId, batch: Batch) -> Found | None:
        """Return the head with what it remembers of the writer of *batch*, and of no other."""
        found = self._heads.get(stream) or find(connection, stream)
        if found is None or _has_writer(found.head, batch):
            return found
        clients = self._client(connection, found.id, batch.client)
        once = self._one_shot(connection, found.id, batch.once)
        return found._replace(head=found.head.knowing(clients, once))

    def _client(
        self, connection: sqlite3.Connection, head: int, client: str | None
    ) -> dict[str, Sent]:
        if client is None:
            return {}
        sent = self._clients.get((head, client)) or writers.client(connection, head, client)
        return {client: sent} if sent else {}

    def _one_shot(
        self, connection: sqlite3.Connection, head: int, once: str | None
    ) -> dict[str, int]:
        if once is None:
            return {}
        first = self._new_once.get((head, once))
        if first is None:
            first = writers.once(connection, head, once)
        return {} if first is None else {once: first}

    def _note_writer(self, found: Found, batch: Batch) -> None:
        if batch.client is not None:
            name = (found.id, batch.client)
            self._clients[name] = self._new_clients[name] = found.head.clients[batch.client]
        if batch.once is not None:
            self._new_once[found.id, batch.once] = found.head.once[batch.once]


def _has_writer(head: Head, batch: Batch) -> bool:
    return batch.once is None and (batch.client is None or batch.client in head.clients)


def _trimmed(found: Found) -> Found:
    head = found.head
    if len(head.pending) <= POINTERS_KEPT:
        return found
    return found._replace(head=replace(head, pending=head.pending[-1:]))
