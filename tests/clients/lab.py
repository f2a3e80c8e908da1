"""What the published clients are tested against, and how their tests run."""

import os
import signal
import subprocess
from pathlib import Path

from tests.faults.commands import CommandServer
from tests.serve.process import ServerProcess
from tests.tools import find

HERE = Path(__file__).parent

SECONDS = 300
"""After which a suite is ended, with what it has said so far: its own limits are shorter."""


class Lab:
    """A server of its own, in a folder, that can be killed and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = ServerProcess(folder)
        self.commands = CommandServer({"kill": self.kill, "stop": self.stop, "start": self.start})

    @property
    def address(self) -> tuple[int, str]:
        """The server's port and its secret key."""
        return self.server.port, self.server.secret

    @property
    def environ(self) -> dict[str, str]:
        """What a suite must know that may end the server."""
        known = {"BASE_URL": self.server.url, "SECRET": self.server.secret}
        return {**known, "LAB": self.commands.url}

    def kill(self) -> None:
        """Kill the server in the middle of whatever it does."""
        self.server.kill()

    def stop(self) -> None:
        """Stop the server as a deployment does."""
        self.server.stop(signal.SIGTERM)

    def start(self) -> None:
        """Start the server again, on the same port and with what it has stored."""
        port = self.server.port
        self.server.__exit__()
        self.server = ServerProcess(self._folder, port=port)

    def __enter__(self) -> "Lab":
        self.commands.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.commands.__exit__(*exc)
        self.server.__exit__(*exc)


class Suite:
    """A file of tests that node runs."""

    def __init__(self, file: str, **environ: str) -> None:
        """Run *file* with *environ* beside the environment."""
        command = [str(find("node")), "--import", "tsx", "--test-reporter", "spec", file]
        self._process = subprocess.Popen(
            command,
            cwd=HERE,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def check(self) -> None:
        """Wait until it has ended. Raises `AssertionError`, with what it said, if it failed."""
        try:
            said, _ = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
            raise AssertionError(f"it did not end\n{said}") from None
        assert self._process.returncode == 0, said

    def __enter__(self) -> "Suite":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.communicate()
