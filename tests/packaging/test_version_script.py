"""One command gives all packages a version, so that nothing that names it is forgotten."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runstreams import __version__
from tests.tools import ROOT

NEXT = "7.8.9"
PATTERNS = [
    "src/runstreams/_version.py",
    "src/*/package.json",
    "src/*/package-lock.json",
    "examples/*/package-lock.json",
    "docs/*.md",
    "scripts/version.py",
]
OURS = re.compile(rf"runstreams[^\n]*\b{re.escape(__version__)}")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A copy of all that names the version, after it was given another."""
    for pattern in PATTERNS:
        for path in ROOT.glob(pattern):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    subprocess.run([sys.executable, tmp_path / "scripts/version.py", NEXT], check=True)
    return tmp_path


def test_python_and_npm_have_it(given: Path) -> None:
    assert f'"{NEXT}"' in (given / "src/runstreams/_version.py").read_text()
    for name in ("react", "ai", "dashboard"):
        for file in ("package.json", "package-lock.json"):
            assert json.loads((given / "src" / name / file).read_text())["version"] == NEXT
    peers = json.loads((given / "src/ai/package.json").read_text())["peerDependencies"]
    assert peers["@runstreams/react"] == f"^{NEXT}"


def test_nothing_names_the_one_before(given: Path) -> None:
    files = [path for path in given.rglob("*") if path.is_file() and path.parent.name != "scripts"]
    assert [OURS.findall(path.read_text()) for path in files] == [[] for _ in files]


def test_the_locks_of_others_have_it(given: Path) -> None:
    locks = given.glob("*/*/package-lock.json")
    packages = [
        each for path in locks for each in json.loads(path.read_text())["packages"].values()
    ]
    named = [each for each in packages if each.get("name", "").startswith("@runstreams/")]
    assert len(named) > 3
    assert {each["version"] for each in named} == {NEXT}


def test_all_else_stays_as_it_was(given: Path) -> None:
    subprocess.run([sys.executable, given / "scripts/version.py", __version__], check=True)
    for path in given.rglob("*"):
        if path.is_file():
            assert path.read_text() == (ROOT / path.relative_to(given)).read_text()
