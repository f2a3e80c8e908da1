"""MiniStack, in an environment of its own, listening on loopback only."""

import os
import shutil
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
"""Files cost little there, and MiniStack unpacks the layers for each process of a function."""

MEMORY_BYTES = 4 * 2**30
"""So much must be free there; in containers it is often small."""


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
    with TemporaryDirectory(dir=_roomy()) as folder:
        env = {**os.environ, **SETTINGS, "GATEWAY_PORT": str(port), "TMPDIR": folder, **settings}
        ready = "/_ministack/health"
        with served([str(start)], port, ready, Path(folder), env) as server:
            yield server


def _roomy() -> Path | None:
    """Return where files are quick, if there is enough room; None: where they usually are."""
    enough = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return MEMORY if enough else None
