"""The streams that were forked from others, as rows."""

import sqlite3

from ...core.forks import may_fork, source_gone
from ...core.model import Fork, ForkRef, StreamId
from .head_rows import find

_OF_GENERATION = "run = ? AND key = ? AND generation = ?"

_LIST = f"""
    SELECT fork_run, fork_key, fork_generation, expires FROM forks WHERE {_OF_GENERATION}
"""

_COUNT = "UPDATE heads SET forks = ifnull(forks, 0) + 1 WHERE run = ? AND key = ?"

_FORGET = f"DELETE FROM forks WHERE {_OF_GENERATION} AND fork_generation = ?"

_IS_FORKED = """
    EXISTS (SELECT 1 FROM forks
            WHERE forks.run = heads.run AND forks.key = heads.key
              AND forks.generation = heads.generation)
"""

_FORGET_GONE = """
    DELETE FROM forks WHERE expires <= ? OR NOT (
        EXISTS (SELECT 1 FROM heads
                WHERE heads.run = forks.fork_run AND heads.key = forks.fork_key
                  AND heads.generation = forks.fork_generation)
        OR EXISTS (SELECT 1 FROM forks AS theirs
                   WHERE theirs.run = forks.fork_run AND theirs.key = forks.fork_key
                     AND theirs.generation = forks.fork_generation))
"""
"""Those that have expired or are gone, but for those that were forked from in their turn."""

_UNNEEDED = f"""
    SELECT id FROM heads WHERE code = 'deleted' AND NOT {_IS_FORKED}
"""
"""Streams that were deleted, and that no fork needs any more."""


def check_source(connection: sqlite3.Connection, fork: Fork) -> None:
    """Raise `SourceGone` unless the stream is there that *fork* was made from."""
    source = find(connection, fork.source)
    if source is None or not may_fork(source.head, fork):
        raise source_gone()


def register(connection: sqlite3.Connection, fork: Fork, ref: ForkRef) -> None:
    """Add a fork that is about to be opened, and count it in its source."""
    connection.execute(_COUNT, fork.source)
    values = (*fork.source, fork.generation, *ref.stream, ref.generation, ref.expires)
    connection.execute("INSERT INTO forks VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def listed(connection: sqlite3.Connection, stream: StreamId, generation: str) -> list[ForkRef]:
    """Return the streams that were forked from a generation."""
    rows = connection.execute(_LIST, (*stream, generation))
    return [ForkRef(StreamId(run, key), fork, expires) for run, key, fork, expires in rows]


def forget(
    connection: sqlite3.Connection, stream: StreamId, generation: str, fork: ForkRef
) -> None:
    """Remove a fork's row."""
    connection.execute(_FORGET, (*stream, generation, fork.generation))


def forget_gone(connection: sqlite3.Connection, now: int) -> int:
    """Remove the rows of forks that need nothing of others at *now*; return how many went."""
    return connection.execute(_FORGET_GONE, (now,)).rowcount


def unneeded(connection: sqlite3.Connection) -> list[int]:
    """Return the ids of the rows of heads that were kept for forks that are all gone."""
    return [id for (id,) in connection.execute(_UNNEEDED)]
