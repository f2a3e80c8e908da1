"""What the published clients are tested against: a server, and a network that fails on command."""

import os
import signal
import subprocess
from pathlib import Path

from tests.faults.commands import CommandServer
from tests.faults.proxy import FaultProxy
from tests.serve.process import ServerProcess
from tests.tools import find

HERE = Path(__file__).parent

SECONDS = 110
"""After which a suite is ended, with what it has said so far."""


class Lab:
    """A server of its own, in a folder, that can be killed and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = ServerProcess(folder)
        self.commands = CommandServer({"kill": self.kill, "stop": self.stop, "start": self.start})

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
    """A file of tests, run by node against a lab."""

    def __init__(self, lab: Lab, file: str, network: FaultProxy | None = None, **more: str) -> None:
        """Reach the server through *network*, if there is one."""
        environ = {
            **os.environ,
            "BASE_URL": network.url if network else lab.server.url,
            "SECRET": lab.server.secret,
            "LAB": lab.commands.url,
            "NETWORK": network.control if network else "",
            **more,
        }
        command = [str(find("node")), "--import", "tsx", "--test-reporter", "spec", file]
        self._process = subprocess.Popen(
            command,
            cwd=HERE,
            env=environ,
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
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
