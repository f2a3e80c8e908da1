"""The packages as they are published: built once, into `dist`, where a release takes them from."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.elsewhere import Environment
from tests.react.building import CHAT_PACKAGE, PACKAGE, build, run
from tests.release.published import DIST, one
from tests.tools import ROOT


@pytest.fixture(scope="session", autouse=True)
def dist() -> Path:
    """The folder of all packages. The wheel is made of the source distribution."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", folder=ROOT)
    build(PACKAGE, CHAT_PACKAGE)
    for package in (PACKAGE, CHAT_PACKAGE):
        run("npm", "pack", "--silent", "--pack-destination", str(DIST), folder=package)
    return DIST


@pytest.fixture(scope="session")
def with_server(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An empty environment, into which pip has installed the wheel with its server."""
    return installed("[server]", tmp_path_factory)


@pytest.fixture(scope="session")
def bare(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An empty environment, into which pip has installed the wheel alone."""
    return installed("", tmp_path_factory)


def installed(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment of its own that has the wheel with *extra*."""
    environment = Environment(tmp_path_factory.mktemp("python") / "venv")
    pip = [sys.executable, "-m", "pip", "--python", environment.command("python"), "install"]
    subprocess.run([*pip, "--quiet", f"{one('runstreams-*.whl')}{extra}"], check=True)
    return environment
