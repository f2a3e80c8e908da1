"""Starting a server as a process of its own, and being sure that it has gone afterwards."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

READY_SECONDS = 30
"""How long a server may take to answer; two cores full of other tests make it slow."""

GONE_SECONDS = 10
"""How long a server may take to end before it is killed."""


class Served(NamedTuple):
    """A server that answers."""

    url: str
    pid: int


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str], port: int, ready: str, folder: Path, env: Mapping[str, str]
) -> Iterator[Served]:
    """Run *command* in *folder* while the body runs; yield it once path *ready* answers."""
    url = f"http://127.0.0.1:{port}"
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(env), stdout=file, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, url + ready, output)
        yield Served(url, process.pid)
    finally:
        _stop(process)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)), f"{command[0]} still listens on {port}"


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, output: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended:\n{output.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer:\n{output.read_text()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(GONE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
