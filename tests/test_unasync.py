"""The sync surface and its tests are what the async ones say, and stay so."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import ROOT

FILES = ("pyproject.toml", "scripts/unasync.py", "src/runstreams/sdk/aio.py")
FOLDERS = ("tests/sdk/aio", "tests/sdk/sync")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all that is generated, and of what it is generated from."""
    for name in (*FILES, "src/runstreams/sdk/sync.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def unasync(copy: Path, *options: str) -> str:
    """Run the script there; return what it complains of."""
    script = [sys.executable, str(copy / "scripts" / "unasync.py"), *options]
    done = subprocess.run(script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1 if done.stdout else 0, "")
    return done.stdout


def test_only_what_is_changed_by_hand_or_left_over_is_named_and_mended(copy: Path) -> None:
    changed = copy / "src/runstreams/sdk/sync.py"
    changed.write_text(changed.read_text().replace("timeout: Silence = UNLEASED", "timeout: int"))
    left = copy / "tests/sdk/sync/test_left.py"
    left.touch()
    said = unasync(copy, "--check").splitlines()
    assert [line.partition(" ")[0] for line in said] == [
        "src/runstreams/sdk/sync.py",
        "tests/sdk/sync/test_left.py",
    ]
    assert unasync(copy) == ""
    assert changed.read_text() == (ROOT / "src/runstreams/sdk/sync.py").read_text()
    assert not left.exists()
