"""What the database takes on the disk, and what happens when there is no more."""

import asyncio
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runstreams.core.errors import StoreFull
from runstreams.stores.sqlite import checkpoints
from runstreams.stores.sqlite.checkpoints import Checkpoints
from runstreams.stores.sqlite.faults import translated
from runstreams.stores.sqlite.schema import connect, create
from tests.stores.sqlite_log import STREAM, opened

KIB = 1024


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size*, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def times_begun(log_file: Path) -> int:
    """Return how often SQLite has begun its log anew; the log's header counts that."""
    return int.from_bytes(log_file.read_bytes()[12:16], "big")


async def test_on_a_full_disk_an_append_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    """When there is room again, the same append succeeds."""
    acknowledged = 0
    async with opened(tmp_path) as log:
        await log.append(b"0", "client", 0)
        with file_size_limit(512 * KIB):
            with suppress(StoreFull):
                for acknowledged in range(1, 10_000):
                    await log.append(b"0" * 1000, "client", acknowledged)
            assert 1 < acknowledged < 9_999
            assert acknowledged == len(await log.everything())
        await log.append(b"0" * 1000, "client", acknowledged)
        assert list(range(acknowledged + 1)) == [chunk.index for chunk in await log.everything()]
    async with opened(tmp_path) as log:
        assert acknowledged == await log.log.last_number(STREAM, "client")


async def test_of_appends_that_arrive_together_those_that_fit_are_stored(tmp_path: Path) -> None:
    """A large one that does not fit is refused alone."""
    async with opened(tmp_path) as log:
        await log.append(b"0")
        with file_size_limit(512 * KIB):
            small, large, other = await asyncio.gather(
                log.append(b"1"),
                log.append(b"2" * 1000 * KIB),
                log.append(b"3"),
                return_exceptions=True,
            )
        assert isinstance(large, StoreFull)
        assert not isinstance(small, BaseException)
        assert not isinstance(other, BaseException)
        assert [chunk.data for chunk in await log.everything()] == [b"0", b"1", b"3"]


def test_a_full_database_is_a_full_store(tmp_path: Path) -> None:
    """As SQLite tells of a disk without room."""
    database = connect(tmp_path / "small.sqlite")
    database.execute("PRAGMA max_page_count = 2").fetchone()
    database.execute("CREATE TABLE chunks (data)")
    with pytest.raises(sqlite3.OperationalError, match="full") as raised:
        database.execute("INSERT INTO chunks VALUES (?)", (b"0" * 10_000,))
    assert isinstance(translated(raised.value), StoreFull)
    database.close()


async def test_no_append_is_lost_when_the_log_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MUCH_BYTES", 64 * KIB)
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 64)
    number, log_file = 0, tmp_path / "streams.sqlite-wal"
    async with opened(tmp_path) as log:
        await log.append(b"0", "client", number)
        begun = times_begun(log_file)
        while times_begun(log_file) < begun + 3:
            number += 1
            await log.append(b"0" * 4 * KIB, "client", number)
        assert list(range(number + 1)) == [chunk.index for chunk in await log.everything()]


def test_the_log_starts_over_though_writers_never_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have always written more when it has been written back; so its file would grow."""
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 10)
    path, log_file = create(tmp_path), tmp_path / "streams.sqlite-wal"
    writer, reset = connect(path), threading.Event()
    write_back = Checkpoints._checkpoint

    def write_once_more(self: Checkpoints, mode: str) -> tuple[int, int, int]:
        result = write_back(self, mode)
        if mode == "PASSIVE":
            add_run(writer)
            self.wrote(1)
        else:
            reset.set()
        return result

    monkeypatch.setattr(Checkpoints, "_checkpoint", write_once_more)
    for _ in range(20):
        add_run(writer)
    begun = times_begun(log_file)
    thread = Checkpoints(path)
    thread.wrote(checkpoints.MUCH_BYTES)
    assert reset.wait(30)
    thread.close()
    assert times_begun(log_file) > begun
    writer.close()


def add_run(connection: sqlite3.Connection) -> None:
    """Write something."""
    connection.execute("INSERT INTO runs (id, created, expires) VALUES (hex(randomblob(9)), 1, 1)")


async def test_what_was_written_is_on_the_disk_a_while_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is written back though little is in it, and starts over for the next append."""
    monkeypatch.setattr(checkpoints, "WHILE_SECONDS", 0.01)
    async with opened(tmp_path) as log:
        await log.append(b'"a chunk that is looked for"')
        database_file = tmp_path / "streams.sqlite"
        async with asyncio.timeout(30):
            while b"a chunk that is looked for" not in database_file.read_bytes():
                await asyncio.sleep(0.01)
        await log.append(b"2")
        assert len(await log.everything()) == 2


async def test_the_store_closes_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the log is just being written back."""
    monkeypatch.setattr(checkpoints, "WHILE_SECONDS", 0.0001)
    for number in range(100):
        async with opened(tmp_path) as log:
            await log.append(b"1", "client", number)
            await asyncio.sleep(number % 10 / 10_000)
