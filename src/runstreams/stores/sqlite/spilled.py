"""Clients that a sealing plan moved out of their head. The store's own plan leaves all there."""

import sqlite3
from collections.abc import Mapping

from ...core.model import Sent, StreamId

_KEEP = """
    INSERT INTO spilled (run, key, generation, client, number, last, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, key, generation, client) DO UPDATE
    SET number = excluded.number, last = excluded.last, expires = excluded.expires
    WHERE excluded.number > number
"""

_FIND = """
    SELECT number, last FROM spilled WHERE run = ? AND key = ? AND generation = ? AND client = ?
"""


def find(
    connection: sqlite3.Connection, stream: StreamId, generation: str, client: str
) -> Sent | None:
    """Return what is kept of a client outside the head."""
    row = connection.execute(_FIND, (*stream, generation, client)).fetchone()
    return Sent(*row) if row else None


def keep(
    connection: sqlite3.Connection,
    stream: StreamId,
    generation: str,
    clients: Mapping[str, Sent],
    expires: int,
) -> None:
    """Add clients; a higher number that is there already stays."""
    connection.executemany(
        _KEEP,
        [
            (*stream, generation, client, sent.number, sent.index, expires)
            for client, sent in clients.items()
        ],
    )


def delete(connection: sqlite3.Connection, stream: StreamId, generation: str) -> None:
    """Remove the clients of a generation."""
    connection.execute(
        "DELETE FROM spilled WHERE run = ? AND key = ? AND generation = ?", (*stream, generation)
    )
