"""The programs of `docs/first-hour.md`, made from the page and started as it says."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.docs.blocks import files
from tests.emulators.process import free_port
from tests.react.building import EXAMPLE, PACKAGE, build, run
from tests.serve.process import START_SECONDS, STOP_SECONDS, clean_environ
from tests.tools import ROOT

PAGE = ROOT / "docs" / "first-hour.md"

PAUSE = "asyncio.sleep(0.25)"
QUICKER = "asyncio.sleep(0.05)"

WHOLE = "You have asked: why? " + " ".join(str(number) for number in range(1, 41))
"""What the agent answers."""


def write_files(folder: Path, backend: int) -> None:
    """Write the page's files into *folder*; the backend has another port, and a quicker agent."""
    assert files(PAGE).keys() == {
        "backend.py",
        "page/index.html",
        "page/vite.config.ts",
        "page/tsconfig.json",
        "page/src/main.tsx",
    }
    for name, body in files(PAGE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body.replace(":8000", f":{backend}").replace(PAUSE, QUICKER))


def install(folder: Path) -> None:
    """Install the hook as it is packed, and find React, TypeScript and Vite in the example's."""
    build(PACKAGE, EXAMPLE)
    run("npm", "pack", "--silent", "--pack-destination", str(folder))
    (packed,) = folder.glob("*.tgz")
    (folder / "node_modules").symlink_to(EXAMPLE / "node_modules")
    page = folder / "page"
    run("npm", "init", "-y", folder=page)
    run("npm", "install", "--offline", "--legacy-peer-deps", str(packed), folder=page)


class Program:
    """A process that serves HTTP on a port; a context manager that leaves nothing running."""

    def __init__(self, folder: Path, port: int, *command: str, environ: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._start = (folder, command, clean_environ() | dict(environ))
        self.start()

    def start(self, **more: str) -> None:
        """Start it, with *more* in its environment, and return when it answers."""
        folder, command, environ = self._start
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, cwd=folder, env=environ | more, stdout=quiet, stderr=quiet
        )
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=START_SECONDS) as http:
            http.get(self.url)

    def stop(self) -> None:
        """Send SIGTERM, and wait for the end."""
        self._process.terminate()
        self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()


@contextmanager
def started(folder: Path, server: Mapping[str, str]) -> Iterator[tuple[Program, Program]]:
    """Run backend and page beside the *server* that the environment names."""
    ports = free_port(), free_port()
    write_files(folder, ports[0])
    install(folder)
    uvicorn = (sys.executable, "-m", "uvicorn", "backend:app", "--port", str(ports[0]))
    vite = (str(EXAMPLE / "node_modules" / ".bin" / "vite"), "--host", "127.0.0.1")
    page = {"VITE_STREAMS_URL": server["RUNSTREAMS_URL"]}
    with (
        Program(folder, ports[0], *uvicorn, environ=server) as backend,
        Program(
            folder / "page", ports[1], *vite, "--port", str(ports[1]), environ=page
        ) as frontend,
    ):
        yield backend, frontend
