"""Virtual environments that hold the wheel, and of its dependencies what it declares and no more.

The dependencies are links to those that are installed here, so nothing is downloaded.
"""

import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.serve.process import clean_environ
from tests.tools import ROOT

NOTHING_FETCHED = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class Environment:
    """A virtual environment elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        (self.packages,) = folder.glob("lib/python*/site-packages")

    def command(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def link(self, *requirements: str) -> None:
        """Make what *requirements* lead to importable."""
        for found in needed(list(requirements)).values():
            _link(found, self.packages)

    def install(self, wheel: Path, extra: str = "") -> None:
        """Install *wheel*, with what it declares to need."""
        pip = [sys.executable, "-m", "pip", "--python", self.command("python"), "install"]
        options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
        subprocess.run([*pip, *options, str(wheel)], check=True)
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        declared = Distribution.at(self.packages / name.partition("/")[0]).requires or []
        for found in needed(declared, extra).values():
            _link(found, self.packages)

    def run(
        self, *command: str, environ: dict[str, str] | None = None, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of its commands until it ends."""
        return subprocess.run(
            [self.command(command[0]), *command[1:]],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=cwd or self.folder,
            env=clean_environ() | {"PYTHONPATH": ""} | (environ or {}),
        )


def build(folder: Path) -> Path:
    """Build the wheel into *folder*, which is empty."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


def needed(requirements: list[str], extra: str = "") -> dict[str, Distribution]:
    """Return the distributions that *requirements* lead to; *extra* is one of theirs."""
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(text), extra) for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if not wanted or requirement.name in found:
            continue
        found[requirement.name] = distribution(requirement.name)
        more = found[requirement.name].requires or []
        waiting += [(Requirement(text), "") for text in more]
    return found


def _link(found: Distribution, packages: Path) -> None:
    for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
        if not (packages / name).exists():
            (packages / name).symlink_to(found.locate_file(name).resolve())
