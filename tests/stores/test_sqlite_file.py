"""The database file: whose it is, which version, and who may read it."""

import asyncio
import shutil
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from runstreams.core.errors import StoreError
from runstreams.core.model import Closed, Lease
from runstreams.stores.sqlite.schema import FORMAT, create
from tests.stores.sqlite_log import STREAM, SqliteLog, opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def change(folder: Path, statement: str) -> None:
    """Change the database behind the store's back."""
    database = sqlite3.connect(folder / "streams.sqlite")
    database.execute(statement)
    database.close()


async def test_the_folder_and_its_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    async with opened(folder) as log:
        await log.append()
        assert mode(folder) == 0o700
        assert {0o600} == {mode(file) for file in folder.iterdir()}


async def test_the_file_carries_its_format_version(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append()
    database = sqlite3.connect(tmp_path / "streams.sqlite")
    assert database.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    database.close()


async def test_a_file_of_a_newer_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    change(tmp_path, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(StoreError, match=f"format {FORMAT + 1}.*reads format {FORMAT}"):
        async with opened(tmp_path):
            pass


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    change(tmp_path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        async with opened(tmp_path):
            pass
    change(tmp_path, "INSERT INTO theirs VALUES (1)")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "streams.sqlite").write_bytes(b"not a database, whatever its name says\n" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        async with opened(tmp_path):
            pass


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """Chunks, clients, one-shot appends, the stop flag, how the stream ended and the run."""
    async with opened(tmp_path) as log:
        await log.append(b"1", "client", 0, count=3)
        await log.append(b"2", once="abc")
        await log.log.ask_stop(STREAM)
        await log.log.close(STREAM, Closed("failed", "because"))
        await log.log.runs.register("run", "parent", None)
        chunks, described = await log.everything(), await log.log.describe(STREAM)
        run = await log.log.runs.get("run")
    async with opened(tmp_path) as log:
        assert chunks == await log.everything()
        assert described == await log.log.describe(STREAM)
        assert run == await log.log.runs.get("run")
        assert await log.log.last_number(STREAM, "client") == 2
        assert (await log.append(b"2", once="abc")).duplicate


FIRST_FORMAT = """
    ALTER TABLE heads DROP COLUMN superseded;
    ALTER TABLE heads DROP COLUMN superseded_to;
    ALTER TABLE heads DROP COLUMN fence;
    ALTER TABLE heads DROP COLUMN fence_at;
    DROP INDEX buried;
    DROP TABLE forks;
    ALTER TABLE heads DROP COLUMN fork;
    ALTER TABLE heads DROP COLUMN forks;
    ALTER TABLE heads DROP COLUMN charter;
    ALTER TABLE heads DROP COLUMN guarded;
    ALTER TABLE heads DROP COLUMN book;
    ALTER TABLE runs DROP COLUMN streams;
    ALTER TABLE runs DROP COLUMN counted;
    ALTER TABLE heads DROP COLUMN code;
    ALTER TABLE heads DROP COLUMN lease;
    ALTER TABLE heads DROP COLUMN lease_ms;
    ALTER TABLE heads DROP COLUMN lease_by;
    ALTER TABLE runs DROP COLUMN status;
    ALTER TABLE runs DROP COLUMN error;
    ALTER TABLE runs DROP COLUMN lease;
    ALTER TABLE runs DROP COLUMN lease_ms;
    ALTER TABLE runs DROP COLUMN lease_by;
    PRAGMA user_version = 1
"""
"""What the formats since have added, taken away again."""


async def written_in_the_first_format(folder: Path) -> None:
    """Make a file with a stream and two runs, one of them completed."""
    async with opened(folder) as log:
        await log.append(b"1", "client", 0)
        await log.log.runs.register("done", None, None)
        await log.log.complete_run("done")
    for statement in FIRST_FORMAT.split(";"):
        change(folder, statement)


async def test_a_file_of_the_first_format_goes_on_with_nothing_leased(tmp_path: Path) -> None:
    await written_in_the_first_format(tmp_path)
    async with opened(tmp_path) as log:
        head = await log.store.heads.get(STREAM)
        assert head is not None
        assert (head.lease, head.closed, head.tail) == (None, None, 1)
        run, done = await log.store.runs.get("run"), await log.store.runs.get("done")
        assert run is not None
        assert done is not None
        assert (run.status, run.lease, done.status) == (None, None, "completed")
        await log.append(b"2", "client", 1)
        held = await log.log.hold(STREAM, "client", 5000)
        assert held.lease == Lease(log.now + 5000, 5000, "client")
    async with opened(tmp_path) as log:
        assert len(await log.everything()) == 2


async def test_processes_that_open_an_old_file_at_once_all_get_along(tmp_path: Path) -> None:
    await written_in_the_first_format(tmp_path)
    async with asyncio.TaskGroup() as processes:
        for _ in range(4):
            processes.create_task(asyncio.to_thread(create, tmp_path))
    async with opened(tmp_path) as log:
        assert len(await log.everything()) == 1


async def refused_in_the_end(log: SqliteLog) -> None:
    with suppress(StoreError):
        while True:
            await log.append()


async def test_a_file_that_was_moved_away_is_missed_before_long(tmp_path: Path) -> None:
    """What it takes until then is in it, wherever it is."""
    async with opened(tmp_path / "data") as log:
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        await refused_in_the_end(log)
    async with opened(tmp_path / "elsewhere") as log:
        assert await log.everything()


@pytest.mark.parametrize("what", ["folder", "file", "replaced"])
async def test_a_file_that_is_removed_while_in_use_takes_and_gives_nothing_more(
    tmp_path: Path, what: str
) -> None:
    """It lives on for who has it open; what it took would be gone with the process."""
    folder = tmp_path / "data"
    async with opened(folder) as log:
        await log.append()
        if what == "folder":
            shutil.rmtree(folder)
        else:
            (folder / "streams.sqlite").unlink()
        if what == "replaced":
            (folder / "streams.sqlite").touch()
        for _ in range(2):
            with pytest.raises(StoreError, match="removed or replaced"):
                await log.append()
            with pytest.raises(StoreError, match="removed or replaced"):
                await log.log.read(STREAM, 0)
        assert what == "replaced" or not (folder / "streams.sqlite").exists()
