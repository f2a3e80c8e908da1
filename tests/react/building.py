"""What npm makes of our folders: once, however many test processes ask for it."""

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import MISSING, give_up
from tests.tools import ROOT

PACKAGE = ROOT / "src" / "react"
CHAT_PACKAGE = ROOT / "src" / "ai"
EXAMPLE = ROOT / "examples" / "react-chat"

SECONDS = 230
"""After which a command is ended, also on a machine that is busy with other things."""

BLOCK = re.compile(r"^```tsx?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""An example in a document."""

TSCONFIG = """
{
  "compilerOptions": {
    "strict": true,
    "module": "nodenext",
    "target": "es2022",
    "jsx": "react-jsx",
    "skipLibCheck": true,
    "noEmit": true
  }
}
"""
"""How a project is compiled that installs one of our packages."""

MADE = {"node_modules", "dist", "__pycache__"}


def need_packages(folder: Path) -> None:
    """Skip the test where the npm packages of *folder* are not installed as its lock says."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        give_up(f"{lock.relative_to(ROOT)} {MISSING}")


def build(*folders: Path) -> None:
    """Build *folders*, one after another, unless they are built as they are now."""
    digest = hashlib.sha256()
    for folder in folders:
        need_packages(folder)
        for path in _sources(folder):
            digest.update(path.read_bytes())
        _build_once(folder, digest.hexdigest())


def run(*command: str, folder: Path = PACKAGE, **environ: str) -> str:
    """Run a command, and return what it said. Raises `AssertionError`, with that, if it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def tool_of(name: str, package: Path = PACKAGE) -> str:
    """Return the command that one of *package*'s development tools installs."""
    return str(package / "node_modules" / ".bin" / name)


def _build_once(folder: Path, state: str) -> None:
    stamp = folder / "node_modules" / ".built"
    with stamp.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if stamp.read_text() != state or not (folder / "dist").exists():
            run("npm", "run", "--silent", "build", folder=folder)
            stamp.write_text(state)


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name not in MADE:
            yield from _sources(path)
