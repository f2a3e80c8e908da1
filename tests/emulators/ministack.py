"""MiniStack, in an environment of its own, listening on loopback only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tools
from tests.emulators.process import Served, free_port, served

SETTINGS = {
    "BIND_HOST": "127.0.0.1",
    # Its other listeners do not heed BIND_HOST.
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
}


MEMORY = Path("/dev/shm")
"""Where there is one, files cost little: MiniStack unpacks the layers for each function process."""


def command() -> Path | None:
    """Return the command that starts MiniStack: from RUNSTREAMS_MINISTACK, or the installed one."""
    named = os.environ.get("RUNSTREAMS_MINISTACK")
    return Path(named) if named else tools.find("ministack")


@contextmanager
def ministack() -> Iterator[str]:
    """Yield the URL of a MiniStack that keeps nothing."""
    with ministack_process(free_port()) as server:
        yield server.url


@contextmanager
def ministack_process(port: int, **settings: str) -> Iterator[Served]:
    """Yield a MiniStack that keeps nothing, on *port*, with *settings* in its environment."""
    start = command()
    assert start is not None, "MiniStack is not installed"
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        env = {**os.environ, **SETTINGS, "GATEWAY_PORT": str(port), "TMPDIR": folder, **settings}
        ready = "/_ministack/health"
        with served([str(start)], port, ready, Path(folder), env) as server:
            yield server
