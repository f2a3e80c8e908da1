"""A full disk: 507, nothing acknowledged is lost, and with room again it goes on."""

import json
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit

import httpx

from .process import ServerProcess

PATH = "/realtime/v1/streams/run_1"
ROOM = 4 * 1024 * 1024
"""Where the disk ends: no file of the server may grow beyond this, as if none had room left."""

CHUNK = "x" * 65_000
REFUSALS = 20
"""So often the disk is found full before it counts: writing the log back makes room at first."""


def give_room(server: ServerProcess, size: int) -> None:
    prlimit(server.process.pid, RLIMIT_FSIZE, (size, RLIM_INFINITY))


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


def test_a_full_disk_refuses_chunks_and_loses_none(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert append(server, 0).status_code == 200
        give_room(server, ROOM)
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
        give_room(server, RLIM_INFINITY)
        assert append(server, stored).status_code == 200
        assert append(server, stored + 1).status_code == 200
        assert read_all(server) == list(range(stored + 2))
        server.kill()
        failed = [line for line in server.log().splitlines() if "store_full" in line]
        assert [line.split("request ")[1].split()[0] for line in failed] == refused
    with ServerProcess(tmp_path / "data") as server:
        assert read_all(server) == list(range(stored + 2))
