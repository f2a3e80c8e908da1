"""A backup is made while somebody writes, as `docs/one-machine.md` says, and restored."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.tools import ROOT

from .process import ServerProcess

PAGE = (ROOT / "docs" / "one-machine.md").read_text()
PATH = "/realtime/v1/streams/run_1"
STREAMS = ("a", "b")


class Writer(Thread):
    """Appends numbers to every stream in turn, and counts the rounds, until it is told to stop."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__()
        self._server = server
        self._stopping = Event()
        self.rounds = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            for key in STREAMS:
                append(self._server, key, self.rounds)
            self.rounds += 1

    def until(self, rounds: int) -> None:
        while self.rounds < rounds:
            self.join(0.01)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def append(server: ServerProcess, key: str, number: int) -> None:
    headers = {"X-Client-Id": "w", "X-Resume-From-Chunk": str(number)}
    server.http.post(f"{PATH}/self/{key}", headers=headers, content=f"{number}\n")


def read(server: ServerProcess, key: str) -> list[int]:
    params = {"wait": 0, "limit": 10_000}
    page = server.http.get(f"{PATH}/{key}", params=params).raise_for_status().json()
    return [chunk["data"] for chunk in page["chunks"]]


def back_up(folder: Path, backup: Path) -> None:
    found = re.search(r"\"(VACUUM INTO '.+')\"", PAGE)
    assert found is not None
    with closing(sqlite3.connect(folder / "streams.sqlite")) as database:
        database.execute(found[1].replace("$BACKUP", str(backup)))


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[tuple[ServerProcess, int]]:
    """A server that has begun with a backup, and how many rounds were acknowledged before it."""
    folder = tmp_path / "data"
    with ServerProcess(folder) as server:
        writer = Writer(server)
        writer.start()
        # Some are sealed by then, and some are not.
        writer.until(rounds := 600)
        back_up(folder, tmp_path / "backup.sqlite")
        writer.until(rounds + 50)
        writer.stop()
    for path in folder.glob("streams.sqlite*"):
        path.unlink()
    (tmp_path / "backup.sqlite").rename(folder / "streams.sqlite")
    with ServerProcess(folder) as server:
        yield server, rounds


def test_a_restored_backup_has_all_that_was_there_and_goes_on(
    restored: tuple[ServerProcess, int],
) -> None:
    server, rounds = restored
    for key in STREAMS:
        found = read(server, key)
        assert found == list(range(len(found)))
        assert rounds <= len(found)
        append(server, key, len(found))
        assert read(server, key) == [*found, len(found)]
