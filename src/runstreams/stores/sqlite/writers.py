"""What a head remembers of its writers: how far each client has come, and the latest one-shot
appends.

All clients stay: each is a row of its own, so that 50,000 of them make no append dearer.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from ...core.model import Batch, Pointer, Sent
from .head_rows import Writers
from .queries import Queries

V = TypeVar("V")

ONCE_KEPT = 1024
"""One-shot appends of a head that stay when it is sealed, so that a resend is recognised."""

_TRIM_ONCE = """
    DELETE FROM once WHERE head = :head AND first < (
        SELECT first FROM once WHERE head = :head ORDER BY first DESC LIMIT 1 OFFSET :kept)
"""


class _Table(NamedTuple):
    """How to read one kind of writers."""

    one: str
    names: str


_CLIENTS = _Table(
    "SELECT number, last FROM clients WHERE head = ? AND client = ?",
    "SELECT client FROM clients WHERE head = ?",
)
_ONCE = _Table(
    "SELECT first FROM once WHERE head = ? AND once = ?", "SELECT once FROM once WHERE head = ?"
)


class _Lazy(Mapping[str, V]):
    """One kind of writers of one head, read when they are asked for, on the event loop's thread.

    What it tells may be newer than the head that it came with.
    """

    def __init__(self, queries: Queries, head: int, table: _Table, make: Callable[..., V]) -> None:
        self._queries = queries
        self._head = head
        self._table = table
        self._make = make

    def __getitem__(self, name: str) -> V:
        key = (self._head, name)
        row = self._queries.here(lambda db: db.execute(self._table.one, key).fetchone())
        if row is None:
            raise KeyError(name)
        return self._make(*row)

    def __iter__(self) -> Iterator[str]:
        rows = self._queries.here(
            lambda db: db.execute(self._table.names, (self._head,)).fetchall()
        )
        return iter([name for (name,) in rows])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def lazily(queries: Queries, head: int) -> Writers:
    """Return all writers of a head, to be read when they are asked for."""
    return _Lazy(queries, head, _CLIENTS, Sent), _Lazy(queries, head, _ONCE, int)


def all_of(connection: sqlite3.Connection, head: int) -> Writers:
    """Return all writers of a head."""
    clients = connection.execute("SELECT client, number, last FROM clients WHERE head = ?", (head,))
    once = connection.execute("SELECT once, first FROM once WHERE head = ?", (head,))
    return {client: Sent(number, last) for client, number, last in clients}, dict(once)


def of_batch(connection: sqlite3.Connection, batch: Batch, head: int) -> Writers:
    """Return what a head remembers of the writer of *batch*."""
    clients, once = dict[str, Sent](), dict[str, int]()
    if batch.client is not None:
        row = connection.execute(_CLIENTS.one, (head, batch.client)).fetchone()
        if row:
            clients[batch.client] = Sent(*row)
    if batch.once is not None:
        row = connection.execute(_ONCE.one, (head, batch.once)).fetchone()
        if row:
            once[batch.once] = row[0]
    return clients, once


def remember(connection: sqlite3.Connection, head: int, batch: Batch, pointer: Pointer) -> None:
    """Write down that *batch* was committed at *pointer*."""
    if batch.client is not None:
        connection.execute(
            "INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?)",
            (head, batch.client, batch.number + batch.count - 1, pointer.end - 1),
        )
    if batch.once is not None:
        connection.execute("INSERT INTO once VALUES (?, ?, ?)", (head, batch.once, pointer.first))


def trim_once(connection: sqlite3.Connection, head: int) -> None:
    """Forget all but the latest one-shot appends."""
    connection.execute(_TRIM_ONCE, {"head": head, "kept": ONCE_KEPT - 1})


def forget(
    connection: sqlite3.Connection, head: int, clients: Mapping[str, Sent], once: Iterable[str]
) -> bool:
    """Remove *clients*, if none of them has moved, and *once*; return whether that was done."""
    for client, sent in clients.items():
        row = connection.execute(_CLIENTS.one, (head, client)).fetchone()
        if row is None or Sent(*row) != sent:
            return False
    connection.executemany(
        "DELETE FROM clients WHERE head = ? AND client = ?", [(head, client) for client in clients]
    )
    connection.executemany(
        "DELETE FROM once WHERE head = ? AND once = ?", [(head, name) for name in once]
    )
    return True
