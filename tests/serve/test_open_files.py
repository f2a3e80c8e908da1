"""Streams that come and go leave no file and no connection open behind them."""

import time
from pathlib import Path

from tests.serve.process import ServerProcess

STREAMS = 100
JSON = {"Content-Type": "application/json"}


def use(server: ServerProcess, number: int) -> None:
    """Create a stream, write and read it, follow it by events, and delete it."""
    path = f"/v1/stream/run_1/stream_{number}"
    server.http.put(path, headers=JSON).raise_for_status()
    server.http.post(path, headers=JSON, json=["x" * 5000]).raise_for_status()
    server.http.get(path).raise_for_status()
    with server.http.stream("GET", path, params={"offset": "-1", "live": "sse"}) as events:
        next(events.iter_lines())
    server.http.delete(path).raise_for_status()


def open_files(server: ServerProcess) -> int:
    return len([*Path(f"/proc/{server.process.pid}/fd").iterdir()])


def test_no_file_is_left_open(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        for number in range(5):
            use(server, number)
        before = open_files(server)
        for number in range(STREAMS):
            use(server, number)
        # A reader that has gone away is noticed soon, not at once.
        deadline = time.monotonic() + 30
        while open_files(server) > before + 2:
            assert time.monotonic() < deadline, "files are left open"
            time.sleep(0.05)
