"""The database file: its tables, its format version, and how it is opened."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from ...core.errors import StoreError

FORMAT = 7
"""Version of the file. What it holds, as chunks and segments, has versions of its own."""

FILE = "streams.sqlite"

APPLICATION_ID = 0x52_53_54_4D
"""Says in the file's header whose it is: "RSTM"."""

WAIT_SECONDS = 10.0
"""How long a connection that may wait waits for other processes. A transaction takes about 50 µs
and the longest a few ms, so this is never reached unless a process hangs.
"""

_WAL_KEPT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is cut to this size when it starts over."""

_FORKS = """
-- The streams that were forked from a generation of another.
CREATE TABLE forks (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    generation TEXT NOT NULL,
    fork_run TEXT NOT NULL,
    fork_key TEXT NOT NULL,
    fork_generation TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (run, key, generation, fork_generation)
) WITHOUT ROWID;
CREATE INDEX buried ON heads (id) WHERE code = 'deleted';
"""

_TABLES = f"""
-- One row a stream, as its last sealing left it. What each append changes stands with the batch, so
-- that an append writes one row. An id is never used again, so that a head never meets the rows of
-- another one.
CREATE TABLE heads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    generation TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    tail INTEGER NOT NULL,
    sealed INTEGER NOT NULL,
    sealed_time INTEGER NOT NULL,
    size INTEGER NOT NULL,
    appended INTEGER,
    batches INTEGER NOT NULL,
    spills INTEGER NOT NULL,
    closed TEXT,
    error TEXT,
    by_run INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    appended_before INTEGER,
    code TEXT,
    lease INTEGER,
    lease_ms INTEGER,
    lease_by TEXT,
    charter TEXT,
    guarded INTEGER,
    book TEXT,
    fork TEXT,
    forks INTEGER,
    fence INTEGER,
    fence_at INTEGER,
    superseded TEXT,
    superseded_to INTEGER,
    UNIQUE (run, key)
);
-- Unsealed batches: the pointer, what the head became with it, and what it points to, in one row.
-- The body stands last, and the order in an index of its own, so that listing pointers reads no
-- body. (Without a rowid, an append would write one page less, and 64 KiB bodies that were just
-- written would be read back five times slower.)
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    head INTEGER NOT NULL,
    first INTEGER NOT NULL,
    object TEXT NOT NULL,
    skip INTEGER NOT NULL,
    count INTEGER NOT NULL,
    size INTEGER NOT NULL,
    time INTEGER NOT NULL,
    batches INTEGER NOT NULL, -- that the stream has ever had, this one included
    total INTEGER NOT NULL, -- bytes that the stream has ever had
    appended INTEGER NOT NULL,
    appended_before INTEGER,
    expires INTEGER NOT NULL,
    client TEXT,
    number INTEGER NOT NULL,
    body BLOB,
    UNIQUE (head, first)
);
-- How far each client of a head has come.
CREATE TABLE clients (
    head INTEGER NOT NULL,
    client TEXT NOT NULL,
    number INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (head, client)
) WITHOUT ROWID;
-- The latest one-shot appends of a head.
CREATE TABLE once (
    head INTEGER NOT NULL,
    once TEXT NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (head, once)
) WITHOUT ROWID;
-- Clients moved out of a head. The store's own plan never does that, but another plan may.
CREATE TABLE spilled (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    generation TEXT NOT NULL,
    client TEXT NOT NULL,
    number INTEGER NOT NULL,
    last INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (run, key, generation, client)
) WITHOUT ROWID;
-- Heads that were removed and whose rows have not all been, yet.
CREATE TABLE gone (head INTEGER PRIMARY KEY);
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    generation TEXT NOT NULL,
    last INTEGER NOT NULL,
    first INTEGER NOT NULL,
    time INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (run, key, generation, last, first)
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    parent TEXT,
    root TEXT,
    completed INTEGER,
    status TEXT,
    error TEXT,
    lease INTEGER,
    lease_ms INTEGER,
    lease_by TEXT,
    streams INTEGER,
    counted INTEGER
) WITHOUT ROWID;
CREATE INDEX recent_runs ON runs (created, id);
{_FORKS}"""

_CHANGES = {
    1: """
        ALTER TABLE heads ADD COLUMN code TEXT;
        ALTER TABLE heads ADD COLUMN lease INTEGER;
        ALTER TABLE heads ADD COLUMN lease_ms INTEGER;
        ALTER TABLE heads ADD COLUMN lease_by TEXT;
        ALTER TABLE runs ADD COLUMN status TEXT;
        ALTER TABLE runs ADD COLUMN error TEXT;
        ALTER TABLE runs ADD COLUMN lease INTEGER;
        ALTER TABLE runs ADD COLUMN lease_ms INTEGER;
        ALTER TABLE runs ADD COLUMN lease_by TEXT;
    """,
    2: """
        ALTER TABLE runs ADD COLUMN streams INTEGER;
        ALTER TABLE runs ADD COLUMN counted INTEGER;
    """,
    3: """
        ALTER TABLE heads ADD COLUMN charter TEXT;
        ALTER TABLE heads ADD COLUMN guarded INTEGER;
        ALTER TABLE heads ADD COLUMN book TEXT;
    """,
    4: """
        ALTER TABLE heads ADD COLUMN fork TEXT;
        ALTER TABLE heads ADD COLUMN forks INTEGER;
    """
    + _FORKS,
    5: """
        ALTER TABLE heads ADD COLUMN fence INTEGER;
        ALTER TABLE heads ADD COLUMN fence_at INTEGER;
    """,
    6: """
        ALTER TABLE heads ADD COLUMN superseded TEXT;
        ALTER TABLE heads ADD COLUMN superseded_to INTEGER;
    """,
}
"""What makes a file of each version one of the next. Columns are added with nothing in them, which
takes no longer where the file is large.
"""


def create(folder: Path) -> Path:
    """Return the database file in *folder*, making both if missing, for this user alone. Raises
    `StoreError` for a file of a newer version or of another program.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    # Never open a database beside SQLite: closing such a file would drop the locks of this process.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(connect(path)) as connection:
            _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be used: {error}") from error
    return path


def connect(
    path: Path, *, wait: float = WAIT_SECONDS, power_safe: bool = False
) -> sqlite3.Connection:
    """Open a connection, to be used by one thread at a time. It must not be used after a fork.

    It waits up to *wait* seconds for other connections before it fails as busy. With *power_safe*
    each commit is on the disk before it returns. Otherwise it is with the operating system, which
    keeps it whatever happens to this process.
    """
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when any connection but this one has committed something."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


class transaction:
    """Do everything or nothing; with *kind* "DEFERRED", see one state of the database."""

    def __init__(self, connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> None:
        self._connection = connection
        self._kind = kind

    def __enter__(self) -> None:
        self._connection.execute(f"BEGIN {self._kind}")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:  # SQLite rolls back by itself after some errors
                self._connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if version := _version(connection, path):
        _bring_up_to_date(connection, path, version)
        return
    # Free pages can be given back later only if that was chosen before the first table.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    with transaction(connection):
        if _version(connection, path):
            return  # another process was faster
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, version: int) -> None:
    if version == FORMAT:
        return
    with transaction(connection):
        # Another process may have been faster.
        for old in range(_version(connection, path), FORMAT):
            for statement in _CHANGES[old].split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the file's tables; 0 for an empty file."""
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return 0
    if owner != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program")
    if version > FORMAT:
        raise StoreError(
            f"{path} has format {version}, written by a newer version; "
            f"this version reads format {FORMAT}",
        )
    return int(version)
