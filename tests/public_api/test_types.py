"""A user's program is inferred and refused alike by mypy and pyright, from the installed package.

`user.py` says what is expected: with `assert_type`, and with an ignored error on each line that
must be one; an error that is missing is reported as an ignore without need.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import ROOT

PROGRAM = Path(__file__).with_name("user.py")

PYRIGHT = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnknownLambdaType": "none",
    "reportUnknownMemberType": "none",
    "reportUnknownVariableType": "none",
}
"""Strict, but for what an untyped stream gives: Any."""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program, away from the checkout: only what is installed can be found."""
    return Path(shutil.copy(PROGRAM, tmp_path))


def test_mypy_agrees(program: Path) -> None:
    options = ["--strict", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'user'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program.name],
        capture_output=True,
        text=True,
        cwd=program.parent,
    )
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.needs("node")
def test_pyright_agrees(program: Path) -> None:
    (program.parent / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, program.name],
        capture_output=True,
        text=True,
        cwd=program.parent,
        # The version that is installed is the one that is meant.
        env=os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings, 0 informations\n"), (
        done.stdout
    )
