"""Removing a head at once, and its many rows afterwards, a few at a time.

A removed head is gone for everybody, as its rows can only be found through it. Its id is kept until
they are removed too, so that whoever sweeps next goes on with what was broken off.
"""

import sqlite3
from functools import partial

from .transactions import Transactions

ROWS = 64
"""Rows of each table removed in one transaction: of batches of 64 KiB, that takes some 4 ms."""

_REMOVE = tuple(
    f"""
    DELETE FROM {table} WHERE head = :head AND {column} IN (
        SELECT {column} FROM {table} WHERE head = :head LIMIT :rows)
    """
    for table, column in (("batches", "id"), ("clients", "client"), ("once", "once"))
)


def retire(connection: sqlite3.Connection, head: int) -> None:
    """Remove a head's own row."""
    connection.execute("DELETE FROM heads WHERE id = ?", (head,))
    connection.execute("INSERT INTO gone VALUES (?)", (head,))


async def remove(transactions: Transactions, head: int) -> None:
    """Remove all rows of a head that was retired."""
    while await transactions.run(partial(_remove_some, head=head), aside=True):
        pass


def retired(connection: sqlite3.Connection) -> list[int]:
    """Return the heads whose rows have not all been removed."""
    return [head for (head,) in connection.execute("SELECT head FROM gone")]


def _remove_some(connection: sqlite3.Connection, head: int) -> bool:
    """Remove some rows; return whether there may be more."""
    values = {"head": head, "rows": ROWS}
    removed = [connection.execute(statement, values).rowcount for statement in _REMOVE]
    if ROWS in removed:
        return True
    connection.execute("DELETE FROM gone WHERE head = ?", (head,))
    return False
