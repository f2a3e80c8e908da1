"""What the package's own tests are run against: a server, and one that dies on command."""

from pathlib import Path

from tests.faults.commands import CommandServer
from tests.faults.proxy import FaultProxy
from tests.serve.process import ServerProcess


class Lab:
    """Two servers, and a network before the first that fails on command; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = ServerProcess(folder / "steady")
        self.network = FaultProxy(self.server.port)
        self.restarting = ServerProcess(folder / "restarting")
        self.commands = CommandServer({"kill": self.kill, "start": self.start})

    def kill(self) -> None:
        """Kill the second server in the middle of whatever it does."""
        self.restarting.kill()

    def start(self) -> None:
        """Start it again, on the same port and with what it has stored."""
        port = self.restarting.port
        self.restarting.__exit__()
        self.restarting = ServerProcess(self._folder / "restarting", port=port)

    @property
    def environ(self) -> dict[str, str]:
        """Where everything is, for `src/react/tests/support/lab.ts`."""
        return {
            "SERVER_URL": self.server.url,
            "SERVER_SECRET": self.server.secret,
            "NETWORK_URL": self.network.url,
            "NETWORK": self.network.control,
            "RESTARTING_URL": self.restarting.url,
            "RESTARTING_SECRET": self.restarting.secret,
            "LAB": self.commands.url,
        }

    def __enter__(self) -> "Lab":
        self.network.__enter__()
        self.commands.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.commands.__exit__(*exc)
        self.network.__exit__(None, None, None)
        self.restarting.__exit__()
        self.server.__exit__()
