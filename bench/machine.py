"""The machine a table was measured on: without it the numbers say nothing."""

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("uvicorn", "uvloop", "httptools", "fastapi")


def describe() -> dict[str, str]:
    """Name the processor, its cores, and the versions of what runs on it."""
    facts = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": _sqlite(),
        "node": _node(),
    }
    return facts | {name: _version(name) for name in PACKAGES}


class Others:
    """How much of the machine other processes take meanwhile: a table measured among them is
    worth little.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = self._taken()

    def cores(self) -> float | None:
        """Return how many cores they took on average; None where the system does not tell."""
        before, now = self._before, self._taken()
        if before is None or now is None:
            return None
        return max((now - before) / (time.monotonic() - self._began), 0.0)

    def _taken(self) -> float | None:
        """Return the seconds of all processes since the start but for this one and its ended
        children.
        """
        stat = Path("/proc/stat")
        if not stat.exists():
            return None
        user, nice, system = map(int, stat.read_text().split(maxsplit=4)[1:4])
        return (user + nice + system) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _sqlite() -> str:
    import sqlite3

    return sqlite3.sqlite_version


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return "not here"
    return subprocess.run((node, "--version"), capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not here"
