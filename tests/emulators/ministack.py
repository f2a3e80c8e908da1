"""MiniStack, in an environment of its own, listening on loopback only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tools
from tests.emulators.process import free_port, served

SETTINGS = {
    "BIND_HOST": "127.0.0.1",
    # Its other listeners do not heed BIND_HOST.
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
}


def command() -> Path | None:
    """Return the command that starts MiniStack: from RUNSTREAMS_MINISTACK, or the installed one."""
    named = os.environ.get("RUNSTREAMS_MINISTACK")
    return Path(named) if named else tools.find("ministack")


@contextmanager
def ministack() -> Iterator[str]:
    """Yield the URL of a MiniStack that keeps nothing."""
    port, start = free_port(), command()
    assert start is not None, "MiniStack is not installed"
    with TemporaryDirectory() as folder:
        env = {**os.environ, **SETTINGS, "GATEWAY_PORT": str(port), "TMPDIR": folder}
        with served([str(start)], port, "/_ministack/health", Path(folder), env) as url:
            yield url
