"""The servers that are measured: each a process of its own, on a core of its own where there are
two.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from .wire import OPEN, Open, Ours, RedisStreams, Wire

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "bench" / "reference"
WORK = ROOT / ".bench"
"""Where servers keep their data while they are measured: on the disk, since a temporary folder
may be memory.
"""

LOG = WORK / "servers.log"

SECRET = "bench-" + "0123456789abcdef" * 2

ENVIRONMENT = {
    "RUNSTREAMS_SECRET_KEY": SECRET,
    "NODE_ENV": "production",
    "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
}
START_SECONDS = 20
STOP_SECONDS = 5


class Missing(Exception):
    """A server cannot be measured here, and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one server, and how it is spoken to; `{port}` and `{data}` are filled in."""

    command: tuple[str, ...]
    wire: Wire
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


def ours(*options: str) -> Server:
    """Return this project's server on its embedded store."""
    serve = (sys.executable, "-m", "runstreams", "serve", "--port", "{port}", "--data", "{data}")
    return Server((*serve, *options), Ours(SECRET))


def ours_open(*options: str) -> Server:
    """Return the same server, asked in the open protocol, as the reference is."""
    return replace(ours(*options), wire=Open(SECRET))


def reference(*options: str) -> Server:
    """Return the Durable Streams reference server, in memory unless a folder is given. Raises
    `Missing`.
    """
    node = shutil.which("node")
    if node is None:
        raise Missing("node is not here")
    if not (REFERENCE / "node_modules").is_dir():
        _install()
    return Server((node, "server.mjs", "{port}", *options), Open(), folder=REFERENCE)


def redis_streams() -> Server:
    """Return FastAPI before a Redis. Raises `Missing`."""
    if shutil.which("redis-server") is None:
        raise Missing("redis-server is not here")
    return Server((sys.executable, "-m", "bench.redis_app", "{port}", "{data}"), RedisStreams())


def floor(**environment: str) -> Server:
    """Return the least that uvicorn can be asked: an application that checks nothing."""
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error")
    command = (sys.executable, "-m", "uvicorn", "bench.floor:app", "--port", "{port}", *options)
    return Server(command, Ours(SECRET), environment)


SERVERS: dict[str, Callable[[], Server]] = {
    "runstreams": ours,
    f"runstreams, {OPEN}": ours_open,
    "reference": reference,
    "floor": floor,
    "durable floor": partial(floor, BENCH_FLOOR="{data}"),
    "FastAPI, Redis": redis_streams,
    "runstreams, power safe": partial(ours, "--power-safe"),
    "reference, on disk": partial(reference, "{data}"),
}

USUAL = tuple(SERVERS)
"""Measured unless others are asked for."""


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not here, and the reference server is not installed")
    done = subprocess.run(
        (npm, "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"),
        cwd=REFERENCE,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise Missing(f"npm could not install it: {done.stderr.strip()[-300:]}")


@contextmanager
def running(server: Server) -> Iterator[int]:
    """Start *server*, give its port, and stop it afterwards. Raises `Missing`."""
    WORK.mkdir(exist_ok=True)
    data, port = tempfile.mkdtemp(dir=WORK), _free_port()
    process = _start(server, {"port": str(port), "data": data})
    try:
        _wait_for(process, port)
        yield port
    finally:
        _stop(process)
        shutil.rmtree(data, ignore_errors=True)


def own_core() -> bool:
    """Say whether the load has a core that the server does not use."""
    return len(_CORES) >= 2


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _pin(core: int) -> None:
    """Keep this process, and those it starts from now on, on one core, if there are two."""
    if own_core():
        os.sched_setaffinity(0, {_CORES[core]})


def _start(server: Server, places: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    added = {name: value.format_map(places) for name, value in server.environment.items()}
    _pin(0)
    try:
        with LOG.open("ab") as log:
            return subprocess.Popen(
                [part.format_map(places) for part in server.command],
                cwd=server.folder,
                env={**os.environ, **ENVIRONMENT, **added},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
    finally:
        _pin(1)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Missing(f"it ended with {process.returncode}; see .bench/{LOG.name}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Missing(f"it did not answer within {START_SECONDS} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
