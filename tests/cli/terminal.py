"""The command as its users run it: a process with pipes, or on a terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.serve.process import clean_environ

COMMAND = (sys.executable, "-m", "runstreams")

PATIENCE_SECONDS = 30


def run(
    *arguments: str,
    given: str | bytes = "",
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run `runstreams` with *given* as its input until it ends."""
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=data,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        env=clean_environ() | dict(environ or {}),
        cwd=cwd,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


class Running:
    """`runstreams` while it runs; a context manager that leaves nothing running."""

    def __init__(
        self, *arguments: str, environ: Mapping[str, str], given: IO[bytes] | int = subprocess.PIPE
    ) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environ() | dict(environ),
        )

    def give(self, data: bytes) -> None:
        """Write to its input."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def shut(self) -> None:
        """End its input."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def line(self) -> str:
        """Return the next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        """Send a signal, if any; return exit code, output and errors. Its input stays open."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return code, self.process.stdout.read().decode(), self.process.stderr.read().decode()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def on_a_terminal(
    *arguments: str, given: bytes = b"", environ: Mapping[str, str], code: int = 0
) -> str:
    """Run `runstreams` with stderr on a terminal; return what the terminal got."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=clean_environ() | dict(environ),
        )
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == code
        return _all(ours).decode()
    finally:
        os.close(ours)


def _all(terminal: int) -> bytes:
    found, deadline = b"", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0)[0]:
            break
        try:
            found += os.read(terminal, 65_536)
        except OSError:  # the other side has gone, and nothing is left
            break
    return found
