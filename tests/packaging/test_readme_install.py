"""The lines of the README that install it, before anything is published: from the checkout."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.packaging.elsewhere import NOTHING_FETCHED, Environment
from tests.serve.process import clean_environ
from tests.tools import ROOT

LINES = re.findall(r"^pip install .+$", (ROOT / "README.md").read_text(), re.MULTILINE)

PIP = """#!/bin/sh
exec "{python}" -m pip "$@"
"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment where pip finds everything that it would download."""
    environment = Environment(tmp_path_factory.mktemp("readme") / "venv")
    environment.link("pip", "hatchling", "httpx", "fastapi", "pyjwt", "uvicorn")
    environment.link("httptools", "prometheus-client", "uvloop")
    pip = Path(environment.command("pip"))
    pip.write_text(PIP.format(python=environment.command("python")))
    pip.chmod(0o755)
    return environment


def test_there_is_one_line_for_the_sdk_and_one_for_the_server() -> None:
    assert [line.partition("#")[0].strip() for line in LINES] == [
        "pip install .",
        'pip install ".[server]"',
    ]


@pytest.mark.parametrize("line", LINES)
def test_it_installs_what_runs(empty: Environment, line: str) -> None:
    environ = clean_environ() | NOTHING_FETCHED | {"PIP_NO_BUILD_ISOLATION": "0"}
    environ |= {"PATH": f"{empty.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=100, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, done.stderr
    assert empty.run("runstreams", "--version").stdout.startswith("runstreams ")
