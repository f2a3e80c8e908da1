"""Execution environments of `functions/stream`, as Lambda and the adapter run them: each has one
request at a time, stands still in between, and is killed when it is late.
"""

import os
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.emulators.process import free_port
from tests.tools import ROOT

FOLDER = ROOT / "functions" / "stream"

READY_SECONDS = 40
"""How long an environment may take to answer /health; two cores full of tests make it slow."""


class Environment:
    """One execution environment: `run.sh`, started as the adapter starts it."""

    def __init__(self, settings: Mapping[str, str], log: Path, folder: Path = FOLDER) -> None:
        self.port = free_port()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [folder / "run.sh"],
                env={**os.environ, **_lambda(self.port), **settings},
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except OSError:
            return False

    def freeze(self) -> None:
        """Stop it, as Lambda does between invocations."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it, as Lambda does at the deadline."""
        self._process.kill()
        self._process.wait()


def _lambda(port: int) -> dict[str, str]:
    """Return what Lambda sets for a function of its Python runtime, and the adapter's port."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "stream",
        "AWS_LWA_PORT": str(port),
        "LAMBDA_RUNTIME_DIR": sysconfig.get_path("purelib"),
        "LAMBDA_TASK_ROOT": str(FOLDER),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "",  # as on Lambda, whatever the tests run with
        "POWERTOOLS_SERVICE_NAME": "stream",
    }


class Environments:
    """All environments of a function: as many as there are requests at once."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self._settings = settings
        self._log = log
        self._idle: SimpleQueue[Environment] = SimpleQueue()
        self._all: list[Environment] = []

    def take(self) -> Environment:
        """Return one that is idle, or a new one."""
        try:
            found = self._idle.get_nowait()
            found.thaw()
        except Empty:
            found = Environment(self._settings, self._log)
            self._all.append(found)
        return found

    def give_back(self, environment: Environment) -> None:
        """Keep one for the next request."""
        environment.freeze()
        self._idle.put(environment)

    def prepare(self, count: int) -> None:
        """Start *count*, so that nobody waits for them later."""
        for each in [self.take() for _ in range(count)]:
            self.give_back(each)

    def kill(self) -> None:
        """End them all."""
        for each in self._all:
            each.kill()
