"""Heads and pointers as rows.

A head's row is as its last sealing left it, and its newest batch says what has become of it since.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...core.entries import decode_book, decode_charter, encode_book, encode_charter
from ...core.forks import decode_fork, encode_fork
from ...core.model import Closed, Fence, Head, Lease, Pointer, Sent, Span, StreamId
from ...core.superseding import decode_spans, encode_spans

Row = tuple[Any, ...]

_POINTER = ("object", "skip", "count", "size", "time", "first")

_SELECT = f"""
    SELECT heads.id, heads.key, heads.generation, heads.created, heads.sealed, heads.sealed_time,
           heads.spills, heads.closed, heads.error, heads.by_run, heads.code, heads.lease,
           heads.lease_ms, heads.lease_by, heads.stop, heads.charter, heads.book, heads.batches,
           heads.tail, heads.size, heads.appended, heads.appended_before, heads.expires,
           last.batches, last.total, last.appended, last.appended_before, last.expires,
           {", ".join("last." + name for name in _POINTER)}, heads.fork, heads.forks,
           heads.fence, heads.fence_at, heads.superseded, heads.superseded_to
    FROM heads LEFT JOIN batches AS last
      ON last.head = heads.id
     AND last.first = (SELECT max(first) FROM batches WHERE head = heads.id)
"""
"""A head with its newest batch, which tells the effective time of its newest chunk, too."""

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

_INSERT = """
    INSERT INTO heads (run, key, generation, created, sealed, sealed_time, spills, closed, error,
                       by_run, stop, batches, tail, size, appended, appended_before, expires,
                       charter, guarded, fork, superseded, superseded_to)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_CLOSE = """
    UPDATE heads SET closed = ?, error = ?, by_run = ?, code = ?, expires = ? WHERE id = ?
"""

_AMEND = """
    UPDATE heads
    SET book = ?, closed = ?, error = ?, by_run = ?, code = ?, expires = ?
    WHERE id = ?
"""

_SEALED = """
    UPDATE heads
    SET sealed = last.first + last.count, sealed_time = last.time, batches = last.batches,
        tail = last.first + last.count, size = last.total, appended = last.appended,
        appended_before = last.appended_before,
        expires = CASE WHEN heads.closed IS NULL AND heads.guarded IS NULL
                  THEN last.expires ELSE heads.expires END
    FROM (SELECT * FROM batches WHERE head = ?1 AND first = ?2) AS last
    WHERE heads.id = ?1
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
    batches: int
    """How many batches the stream has ever had."""


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
    fixed = (head.generation, head.created, head.sealed, head.sealed_time, head.spills)
    closed = (head.closed.status, head.closed.error) if head.closed else (None, None)
    state = (*closed, head.closed_by_run, head.stop, head.unsealed, head.tail, head.size)
    times = (head.appended, head.appended_before, head.expires)
    charter = (encode_charter(head.charter) if head.charter else None, _guarded(head))
    fork = encode_fork(head.fork) if head.fork else None
    spans = _span_columns(head.superseded)
    connection.execute(_INSERT, (*stream, *fixed, *state, *times, *charter, fork, *spans))


def _guarded(head: Head) -> int | None:
    """Return what the column says that tells whose row alone knows when it expires."""
    return 1 if head.charter and head.charter.guards else None


def amend(connection: sqlite3.Connection, heads: Mapping[int, Head]) -> None:
    """Write down what amendments have made of heads, by the ids of their rows."""
    connection.executemany(_AMEND, [(*_amendable(head), id) for id, head in heads.items()])


def _amendable(head: Head) -> Row:
    closed = head.closed
    ending = (closed.status, closed.error, head.closed_by_run, closed.code) if closed else None
    book = encode_book(head.book) if head.book else None
    return (book, *(ending or (None, None, False, None)), head.expires)


def close(
    connection: sqlite3.Connection, head: int, closed: Closed, expires: int, by_run: bool
) -> None:
    """Write down how a stream has ended."""
    values = (closed.status, closed.error, by_run, closed.code, expires, head)
    connection.execute(_CLOSE, values)


def lease(connection: sqlite3.Connection, leases: Mapping[int, Lease | None]) -> None:
    """Write down what has become of the leases of heads."""
    connection.executemany(
        "UPDATE heads SET lease = ?, lease_ms = ?, lease_by = ? WHERE id = ?",
        [(*lease_columns(lease), head) for head, lease in leases.items()],
    )


def take_over(connection: sqlite3.Connection, id: int, head: Head) -> None:
    """Write down the fence and the lease of *head*, which was taken over."""
    connection.execute(
        "UPDATE heads SET fence = ?, fence_at = ? WHERE id = ?", (*(head.fence or ()), id)
    )
    lease(connection, {id: head.lease})


def supersede(connection: sqlite3.Connection, heads: Mapping[int, Head]) -> None:
    """Write down which chunks of heads no longer count, by the ids of their rows."""
    connection.executemany(
        "UPDATE heads SET superseded = ?, superseded_to = ? WHERE id = ?",
        [(*_span_columns(head.superseded), id) for id, head in heads.items()],
    )


def _span_columns(spans: tuple[Span, ...]) -> Row:
    return (encode_spans(spans), spans[-1].end) if spans else (None, None)


def lease_columns(lease: Lease | None) -> Row:
    """Return *lease* as it stands in the rows of heads and runs."""
    return (lease.until, lease.ms, lease.holder) if lease else (None, None, None)


def lease_of(until: int | None, ms: int, holder: str) -> Lease | None:
    """Return what `lease_columns` was given."""
    return Lease(until, ms, holder) if until is not None else None


def drop(connection: sqlite3.Connection, head: int, upto: Pointer) -> None:
    """Remove the pointers up to *upto*, batches included, and move the sealed index behind it."""
    connection.execute(_SEALED, (head, upto.first))
    connection.execute("DELETE FROM batches WHERE head = ? AND first <= ?", (head, upto.first))


def _found(row: Row, writers: Callable[[int], Writers]) -> Found:
    id, key, generation, created, sealed, sealed_time, spills = row[:7]
    status, error, by_run, code = row[7:11]
    lease, stop = lease_of(*row[11:14]), row[14]
    charter = decode_charter(row[15]) if row[15] else None
    book = decode_book(row[16]) if row[16] else None
    dropped, tail, size, appended, before, expires = row[17:23]
    batches = dropped
    pending: tuple[Pointer, ...] = ()
    if row[23] is not None:
        batches, size, appended, before, until = row[23:28]
        newest = Pointer(*row[28:34])
        tail, pending = newest.end, (newest,)
        expires = expires if status or (charter and charter.guards) else until
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
        batches - dropped,
        pending,
        clients,
        once,
        spills,
        Closed(status, error, code) if status else None,
        bool(by_run),
        bool(stop),
        before,
        lease,
        charter,
        book,
        fork=decode_fork(row[34]) if row[34] else None,
        forks=row[35] or 0,
        fence=Fence(row[36], row[37]) if row[36] else None,
        superseded=() if row[38] is None else decode_spans(row[38], row[39]),
    )
    return Found(id, key, head, batches)
