"""A server as its users start it: a process of its own, spoken to over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

START_SECONDS = 30
STOP_SECONDS = 10
"""How long tests wait; a machine under load may be slow, so this says nothing about speed."""

COMMAND = (sys.executable, "-m", "runstreams", "serve")

CAP_SYS_RESOURCE = 1 << 24


def may_raise_hard_limits() -> bool:
    """Return whether this process is a root that may; in some containers not even root is."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) & CAP_SYS_RESOURCE)


def with_files(limit: int, command: Sequence[str] = COMMAND) -> tuple[str, ...]:
    """Return *command* for a shell in which *limit* files may be open, and never more."""
    for_good = ("setpriv", "--bounding-set=-sys_resource") if may_raise_hard_limits() else ()
    return (*for_good, "sh", "-c", f'ulimit -n {limit}; exec "$0" "$@"', *command)


SHELL = with_files(1024)
"""What many machines allow."""


class ServerProcess:
    """`runstreams serve` on a free port; a context manager that leaves nothing running."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        environ: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        prepare: Callable[[], None] | None = None,
        port: int = 0,
        secret: str | None = None,
    ) -> None:
        """Start it; *secret* is its key where that is neither in *environ* nor in *folder*."""
        self.folder = folder
        self._ready = folder.parent / f"{folder.name}.ready"
        self._ready.unlink(missing_ok=True)
        options = ["--port", str(port), "--data", str(folder), "--ready-file", str(self._ready)]
        self.process = subprocess.Popen(
            [*command, *options, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environ() | dict(environ or {}),
            preexec_fn=prepare,
        )
        self._secret = secret or (environ or {}).get("RUNSTREAMS_SECRET_KEY")
        try:
            self.url: str = self._wait()["url"]
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        self.http = httpx.Client(base_url=self.url, headers=self.headers, timeout=60)

    def _wait(self) -> dict[str, str]:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.process.communicate()[1]}")
            if time.monotonic() > deadline:
                raise RuntimeError("the server is not ready")
            time.sleep(0.02)
        found: dict[str, str] = json.loads(self._ready.read_text())
        return found

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def secret(self) -> str:
        return self._secret or (self.folder / "secret-key").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def said_until(self, word: str) -> str:
        """Return what it has printed up to the line with *word*."""
        assert self.process.stdout is not None
        said = ""
        while word not in said:
            said += self.process.stdout.readline()
        return said

    def log(self) -> str:
        """Return its whole log, once it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def peak_memory(self) -> int:
        """Return the largest resident size so far, in bytes."""
        return _status(self.process.pid, "VmHWM") * 1024

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *exc: object) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def clean_environ() -> dict[str, str]:
    """Return this process's environment without settings of runstreams."""
    return {name: value for name, value in os.environ.items() if "RUNSTREAMS_" not in name}


def run_to_end(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `runstreams` with *arguments* until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "runstreams", *arguments],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=clean_environ() | dict(environ or {}),
        cwd=cwd,
    )
