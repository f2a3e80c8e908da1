"""Heads and pointers as rows."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...core.model import Closed, Head, Pointer, Sent, StreamId

Row = tuple[Any, ...]

_COLUMNS = (
    *("generation", "created", "expires", "tail", "sealed", "sealed_time", "size", "appended"),
    *("unsealed", "spills", "closed", "error", "by_run", "stop", "appended_before"),
)

_POINTER = ("object", "skip", "count", "size", "time", "first")

_SELECT = f"""
    SELECT heads.id, heads.key, {", ".join("heads." + name for name in _COLUMNS)},
           {", ".join("last." + name for name in _POINTER)}
    FROM heads LEFT JOIN batches AS last
      ON last.head = heads.id
     AND last.first = (SELECT max(first) FROM batches WHERE head = heads.id)
"""
"""A head with its newest pointer, which tells the effective time of its newest chunk."""

_FIND = _SELECT + "WHERE heads.run = ? AND heads.key = ?"
_LIST = _SELECT + "WHERE heads.run = ? AND heads.key > ? ORDER BY heads.key LIMIT ?"
_SCAN = _SELECT + "WHERE heads.id > ? ORDER BY heads.id LIMIT ?"

_POINTERS = f"""
    SELECT {", ".join(_POINTER)} FROM batches
    WHERE head = :head AND first >= ifnull(
        (SELECT max(first) FROM batches WHERE head = :head AND first <= :since), :since)
    ORDER BY first
"""

_OLDEST = f"""
    SELECT {", ".join(_POINTER)} FROM batches WHERE head = ? AND time <= ? ORDER BY first LIMIT ?
"""

_INSERT = f"""
    INSERT INTO heads (run, key, {", ".join(_COLUMNS)})
    VALUES (?, ?, {", ".join("?" * len(_COLUMNS))})
"""


Writers = tuple[Mapping[str, Sent], Mapping[str, int]]
"""A head's clients and one-shot appends, or those that are needed."""


def no_writers(head: int) -> Writers:
    """Return none of a head's writers."""
    return {}, {}


class Found(NamedTuple):
    """A head with its newest pointer only, the id of its row and its key."""

    id: int
    key: str
    head: Head


def find(
    connection: sqlite3.Connection,
    stream: StreamId,
    writers: Callable[[int], Writers] = no_writers,
) -> Found | None:
    """Return a stream's head with the *writers* of its row's id."""
    row = connection.execute(_FIND, stream).fetchone()
    return _found(row, writers) if row else None


def listed(
    connection: sqlite3.Connection,
    run: str,
    after: str,
    limit: int,
    writers: Callable[[int], Writers] = no_writers,
) -> list[Found]:
    """Return heads of a run by key, those beyond *after*."""
    rows = connection.execute(_LIST, (run, after, limit))
    return [_found(row, writers) for row in rows]


def scanned(connection: sqlite3.Connection, after: int, limit: int) -> list[Found]:
    """Return any heads by the ids of their rows, those beyond *after*."""
    return [_found(row, no_writers) for row in connection.execute(_SCAN, (after, limit))]


def pointers(connection: sqlite3.Connection, head: int, since: int) -> tuple[Pointer, ...]:
    """Return the pointers that hold chunks at *since* or later."""
    rows = connection.execute(_POINTERS, {"head": head, "since": since})
    return tuple(Pointer(*row) for row in rows)


def oldest(connection: sqlite3.Connection, head: int, upto: int, limit: int) -> list[Pointer]:
    """Return pointers up to time *upto*; they are the first ones, as time never goes back."""
    return [Pointer(*row) for row in connection.execute(_OLDEST, (head, upto, limit))]


def insert(connection: sqlite3.Connection, stream: StreamId, head: Head) -> None:
    """Add the row of a fresh head."""
    closed = head.closed
    values = {
        **{name: getattr(head, name, None) for name in _COLUMNS},
        "closed": closed.status if closed else None,
        "error": closed.error if closed else None,
        "by_run": closed.by_run if closed else False,
    }
    connection.execute(_INSERT, (*stream, *(values[name] for name in _COLUMNS)))


def drop(connection: sqlite3.Connection, head: int, upto: Pointer) -> None:
    """Remove the pointers up to *upto*, batches included, and move the sealed index behind it."""
    dropped = connection.execute(
        "DELETE FROM batches WHERE head = ? AND first <= ?", (head, upto.first)
    ).rowcount
    connection.execute(
        "UPDATE heads SET sealed = ?, sealed_time = ?, unsealed = unsealed - ? WHERE id = ?",
        (upto.end, upto.time, dropped, head),
    )


def _found(row: Row, writers: Callable[[int], Writers]) -> Found:
    id, key = row[:2]
    generation, created, expires, tail, sealed, sealed_time, size, appended, unsealed = row[2:11]
    spills, status, error, by_run, stop, before = row[11:17]
    clients, once = writers(id)
    head = Head(
        generation,
        created,
        expires,
        tail,
        sealed,
        sealed_time,
        size,
        appended,
        unsealed,
        (Pointer(*row[17:]),) if row[17] is not None else (),
        clients,
        once,
        spills,
        Closed(status, error, bool(by_run)) if status else None,
        bool(stop),
        before,
    )
    return Found(id, key, head)
