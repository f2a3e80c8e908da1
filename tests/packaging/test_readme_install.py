"""What installs it before anything is published: the README's, and those without a checkout."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.elsewhere import NOTHING_FETCHED, Environment
from tests.serve.process import clean_environ
from tests.tools import ROOT

PAGE = (ROOT / "docs" / "get-started.md").read_text()
WITHOUT_CHECKOUT = re.findall(r"`(pip [^`]+)`", PAGE.partition("**Once it is published**")[0])
URL = "https://git.example.com/somebody/runstreams"
PUBLISHED = ["pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"]
"""What the package is made of, beside its code."""

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
    carry_out(line, empty, ROOT)
    assert empty.run("runstreams", "--version").stdout.startswith("runstreams ")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds what the package is made of, as it is now."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / "src" / "runstreams", folder / "src" / "runstreams")
    for name in PUBLISHED:
        shutil.copy(ROOT / name, folder)
    git = ["git", "-C", str(folder), "-c", "user.name=somebody", "-c", "user.email=a@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "all"]):
        subprocess.run([*git, *command], check=True)
    return folder


@pytest.mark.soak
def test_without_a_checkout_a_wheel_or_the_repository_is_installed(
    empty: Environment, repository: Path, tmp_path: Path
) -> None:
    made, wheel, fetched = WITHOUT_CHECKOUT
    carry_out(f"{made} --wheel-dir '{tmp_path}'", empty, repository)
    for line in (wheel, fetched.replace("URL", URL)):
        carry_out("pip uninstall --yes runstreams", empty, tmp_path)
        assert not Path(empty.command("runstreams")).exists()
        carry_out(line, empty, tmp_path, **instead_of_the_address(repository))
        assert empty.run("runstreams", "--version").stdout.startswith("runstreams ")


def instead_of_the_address(repository: Path) -> dict[str, str]:
    """Return what lets git find *repository* at `URL`."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": URL,
    }


def carry_out(line: str, environment: Environment, folder: Path, **environ: str) -> None:
    """Carry out *line* in *folder*, with the pip of *environment* and nothing fetched."""
    environ |= clean_environ() | NOTHING_FETCHED | {"PIP_NO_BUILD_ISOLATION": "0"}
    environ |= {"PATH": f"{environment.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=100, cwd=folder, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
