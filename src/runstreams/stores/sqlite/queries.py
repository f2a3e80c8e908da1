"""Reading: quick looks on the event loop's own thread, and larger reads beside it.

In WAL mode a reader neither waits for writers nor holds them up, so a quick look costs some 10 µs,
much less than a change of threads.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .faults import translated
from .place import Place
from .schema import connect

T = TypeVar("T")

Query = Callable[[sqlite3.Connection], T]

_THREADS = 4
"""Larger reads at a time; each thread has a connection with a page cache of 2 MB."""


class Queries:
    """Connections that read."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._here = connect(place.path)
        self._opened = [self._here]
        self._threads = ThreadPoolExecutor(_THREADS, "runstreams-read")
        self._own = threading.local()

    def here(self, query: Query[T]) -> T:
        """Run a short *query* on this thread, the event loop's. Raises `StoreError`."""
        self._place.check_lately()
        try:
            return query(self._here)
        except sqlite3.Error as error:
            raise translated(error) from error

    async def aside(self, query: Query[T]) -> T:
        """Run *query* on another thread, as it brings much or may wait for the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    def _run(self, query: Query[T]) -> T:
        self._place.check_lately()
        try:
            return query(self._connection())
        except sqlite3.Error as error:
            raise translated(error) from error

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._own, "connection"):
            self._own.connection = connect(self._place.path)
            self._opened.append(self._own.connection)
        connection: sqlite3.Connection = self._own.connection
        return connection

    def close(self) -> None:
        """Wait for what is under way and close the connections."""
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
