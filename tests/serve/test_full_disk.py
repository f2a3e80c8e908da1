"""A full disk: 507, nothing acknowledged is lost, and with room again it goes on."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from typing import Protocol

import httpx
import pytest

from .process import COMMAND, ServerProcess

PATH = "/realtime/v1/streams/run_1"
ROOM = 4 * 1024 * 1024
"""Where the disk ends."""

CHUNK = "x" * 65_000
REFUSALS = 20
"""So often the disk is found full before it counts: writing the log back makes room at first."""

KEY = {"RUNSTREAMS_SECRET_KEY": "a-key-of-at-least-sixteen-letters"}


class Disk(Protocol):
    """A disk that becomes full, and then larger."""

    command: Sequence[str]
    """How a server starts whose data folder is on it."""

    def end(self, server: ServerProcess) -> None:
        """Let it have little room."""

    def grow(self, server: ServerProcess) -> None:
        """Give it more."""


class NoLongFiles:
    """No file of the server may grow beyond some size, as if none had room left."""

    command = COMMAND

    def end(self, server: ServerProcess) -> None:
        prlimit(server.process.pid, RLIMIT_FSIZE, (ROOM, RLIM_INFINITY))

    def grow(self, server: ServerProcess) -> None:
        prlimit(server.process.pid, RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))


class SmallMount:
    """A real one, in memory. Nobody else sees it, and it goes with the processes that do."""

    def __init__(self, folder: Path, keeper: int) -> None:
        self._folder = folder
        self._inside = ("nsenter", "--mount", f"--target={keeper}", "--")
        self.command = (*self._inside, *COMMAND)

    def end(self, server: ServerProcess) -> None:
        pass  # it is small from the beginning

    def grow(self, server: ServerProcess) -> None:
        options = f"remount,size={16 * ROOM}"
        subprocess.run([*self._inside, "mount", "-o", options, self._folder], check=True)


@contextmanager
def no_long_files(folder: Path) -> Iterator[Disk]:
    yield NoLongFiles()


@contextmanager
def small_mount(folder: Path) -> Iterator[Disk]:
    folder.mkdir()
    script = f'mount -t tmpfs -o size={ROOM} none "$0" && echo mounted && exec cat'
    command = ["unshare", "--mount", "sh", "-c", script, folder]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "mounted\n"
        yield SmallMount(folder, keeper.pid)


def may_mount() -> bool:
    """Return whether this process is a root that may; in most containers not even root is."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        return False
    attempt = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(attempt, stderr=subprocess.DEVNULL).returncode == 0


DISKS = [no_long_files, small_mount] if may_mount() else [no_long_files]


@pytest.fixture(params=DISKS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with request.param(tmp_path / "data") as disk:
        yield disk


def append(server: ServerProcess, number: int) -> httpx.Response:
    headers = {"X-Client-Id": "w", "X-Resume-From-Chunk": str(number)}
    line = json.dumps(f"{number} {CHUNK}") + "\n"
    return server.http.post(f"{PATH}/self/k", headers=headers, content=line)


def read_all(server: ServerProcess) -> list[int]:
    """Return the numbers of the stream's chunks, each at its index."""
    got: list[int] = []
    while True:
        page = server.http.get(f"{PATH}/k", params={"start": len(got), "wait": 0}).json()
        for chunk in page["chunks"]:
            assert chunk["index"] == len(got)
            got.append(int(chunk["data"].partition(" ")[0]))
        if page["next_index"] == page["tail"]:
            return got


def test_a_full_disk_refuses_chunks_and_loses_none(tmp_path: Path, disk: Disk) -> None:
    with ServerProcess(tmp_path / "data", command=disk.command, environ=KEY) as server:
        assert append(server, 0).status_code == 200
        disk.end(server)
        stored = 1
        refused: list[str] = []
        while len(refused) < REFUSALS:
            answer = append(server, stored)
            if answer.status_code == 200:
                stored += 1
                continue
            assert answer.status_code == 507
            assert answer.json()["error"]["code"] == "store_full"
            refused.append(answer.headers["X-Request-Id"])
        assert read_all(server) == list(range(stored))
        disk.grow(server)
        assert append(server, stored).status_code == 200
        assert append(server, stored + 1).status_code == 200
        assert read_all(server) == list(range(stored + 2))
        server.kill()
        failed = [line for line in server.log().splitlines() if "store_full" in line]
        assert [line.split("request ")[1].split()[0] for line in failed] == refused
    with ServerProcess(tmp_path / "data", command=disk.command, environ=KEY) as server:
        assert read_all(server) == list(range(stored + 2))
