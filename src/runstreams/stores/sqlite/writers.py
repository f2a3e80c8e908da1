"""What is remembered of a stream's writers: how far each client has come, and the latest one-shot
appends.

All clients stay with their head: each is a row of its own, so that 50,000 of them make no append
dearer. Only another sealing plan than the store's own moves some out of it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from ...core.model import Sent, StreamId
from .head_rows import Writers
from .queries import Queries

V = TypeVar("V")

ONCE_KEPT = 1024
"""One-shot appends of a head that stay when it is sealed, so that a resend is recognised."""

_NAMES_PAGE = 256
"""Names read at a time: whoever wants a few does not wait for 50,000 of them."""

_TRIM_ONCE = """
    DELETE FROM once WHERE head = :head AND first < (
        SELECT first FROM once WHERE head = :head ORDER BY first DESC LIMIT 1 OFFSET :kept)
"""

_SPILL = """
    INSERT INTO spilled (run, key, generation, client, number, last, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, key, generation, client) DO UPDATE
    SET number = excluded.number, last = excluded.last, expires = excluded.expires
    WHERE excluded.number > number
"""

_SPILLED = """
    SELECT number, last FROM spilled WHERE run = ? AND key = ? AND generation = ? AND client = ?
"""


class _Table(NamedTuple):
    """How to read one kind of writers."""

    one: str
    names: str


_CLIENTS = _Table(
    "SELECT number, last FROM clients WHERE head = ? AND client = ?",
    "SELECT client FROM clients WHERE head = ? AND client > ? ORDER BY client LIMIT ?",
)
_ONCE = _Table(
    "SELECT first FROM once WHERE head = ? AND once = ?",
    "SELECT once FROM once WHERE head = ? AND once > ? ORDER BY once LIMIT ?",
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
        page = self._after("")
        while page:
            yield from page
            page = self._after(page[-1]) if len(page) == _NAMES_PAGE else []

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _after(self, name: str) -> list[str]:
        key = (self._head, name, _NAMES_PAGE)
        rows = self._queries.here(lambda db: db.execute(self._table.names, key).fetchall())
        return [found for (found,) in rows]


def lazily(queries: Queries, head: int) -> Writers:
    """Return all writers of a head, to be read when they are asked for."""
    return _Lazy(queries, head, _CLIENTS, Sent), _Lazy(queries, head, _ONCE, int)


def all_of(connection: sqlite3.Connection, head: int) -> Writers:
    """Return all writers of a head."""
    clients = connection.execute("SELECT client, number, last FROM clients WHERE head = ?", (head,))
    once = connection.execute("SELECT once, first FROM once WHERE head = ?", (head,))
    return {client: Sent(number, last) for client, number, last in clients}, dict(once)


def client(connection: sqlite3.Connection, head: int, client: str) -> Sent | None:
    """Return how far a client has come."""
    row = connection.execute(_CLIENTS.one, (head, client)).fetchone()
    return Sent(*row) if row else None


def once(connection: sqlite3.Connection, head: int, once: str) -> int | None:
    """Return the index of a one-shot append."""
    row = connection.execute(_ONCE.one, (head, once)).fetchone()
    return row[0] if row else None


def keep_clients(connection: sqlite3.Connection, clients: Mapping[tuple[int, str], Sent]) -> None:
    """Write down how far clients have come, by head and name."""
    connection.executemany(
        "INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?)",
        [(*name, sent.number, sent.index) for name, sent in clients.items()],
    )


def keep_once(connection: sqlite3.Connection, once: Mapping[tuple[int, str], int]) -> None:
    """Write down one-shot appends, by head and name."""
    connection.executemany(
        "INSERT INTO once VALUES (?, ?, ?)", [(*name, first) for name, first in once.items()]
    )


def trim_once(connection: sqlite3.Connection, head: int) -> None:
    """Forget all but the latest one-shot appends."""
    connection.execute(_TRIM_ONCE, {"head": head, "kept": ONCE_KEPT - 1})


def forget(
    connection: sqlite3.Connection, head: int, clients: Mapping[str, Sent], once: Iterable[str]
) -> bool:
    """Remove *clients*, if none of them has moved, and *once*; return whether that was done."""
    if any(client(connection, head, name) != sent for name, sent in clients.items()):
        return False
    connection.executemany(
        "DELETE FROM clients WHERE head = ? AND client = ?", [(head, name) for name in clients]
    )
    connection.executemany(
        "DELETE FROM once WHERE head = ? AND once = ?", [(head, name) for name in once]
    )
    return True


def spilled(
    connection: sqlite3.Connection, stream: StreamId, generation: str, client: str
) -> Sent | None:
    """Return what is kept of a client outside the head."""
    row = connection.execute(_SPILLED, (*stream, generation, client)).fetchone()
    return Sent(*row) if row else None


def spill(
    connection: sqlite3.Connection,
    stream: StreamId,
    generation: str,
    clients: Mapping[str, Sent],
    expires: int,
) -> None:
    """Keep clients outside of the head; a higher number that is there already stays."""
    connection.executemany(
        _SPILL,
        [
            (*stream, generation, client, sent.number, sent.index, expires)
            for client, sent in clients.items()
        ],
    )


def forget_spilled(connection: sqlite3.Connection, stream: StreamId, generation: str) -> None:
    """Remove what a generation keeps of clients outside of its head."""
    connection.execute(
        "DELETE FROM spilled WHERE run = ? AND key = ? AND generation = ?", (*stream, generation)
    )
