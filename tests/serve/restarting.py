"""A server of streams that is killed, and started again with what it has."""

from pathlib import Path

from tests.serve.process import ServerProcess


class RestartingServer:
    """A server on one port, whatever becomes of its process; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process = ServerProcess(folder)

    def kill(self) -> None:
        self.process.kill()

    def start(self) -> None:
        port = self.process.port
        self.process.__exit__()
        self.process = ServerProcess(self._folder, port=port)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "RUNSTREAMS_URL": self.process.url,
            "RUNSTREAMS_SECRET_KEY": self.process.secret,
        }

    def __enter__(self) -> "RestartingServer":
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.__exit__()
