"""Where set-up cannot work it says what to do, and ends with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tools import ROOT

TOO_OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.10.0"
[ "$1" != -c ]
"""
WITHOUT_VENV = """#!/bin/sh
case $2 in *ensurepip*) exit 1 ;; esac
"""


def set_up(python: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    command = [ROOT / "scripts" / "venv", tmp_path / "made", "requirements/dev.txt", python]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT)


def fake(tmp_path: Path, script: str) -> str:
    path = tmp_path / "python3"
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


def test_without_venv_the_apt_line_is_printed(tmp_path: Path) -> None:
    done = set_up(fake(tmp_path, WITHOUT_VENV), tmp_path)
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "made").exists()


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    done = set_up(fake(tmp_path, TOO_OLD), tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Python 3.10.0 is too old: runstreams needs Python 3.11")


def test_without_python_that_is_said(tmp_path: Path) -> None:
    done = set_up("no-such-python", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("no-such-python was not found")


def test_make_alone_says_what_it_can_do() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    said = subprocess.check_output(
        ["make", f"PYTHON={sys.executable}"], text=True, cwd=ROOT, env=environ
    )
    assert {line.split()[0] for line in said.splitlines()} >= {
        "setup",
        "demo",
        "test",
        "soak",
        "bench",
    }
