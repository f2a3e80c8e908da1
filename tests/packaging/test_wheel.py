"""The wheel: built, installed elsewhere with only what it declares, and started there."""

import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from runstreams import __version__
from tests.serve.process import ServerProcess
from tests.tools import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and links to what it declares to need."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, symlinks=True)
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*install, *options, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        declared = Distribution.at(packages / name.partition("/")[0]).requires
    for found in needed(declared or []).values():
        link(found, packages)
    return folder


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """Return the distributions that *requirements* lead to, without extras."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or requirement.name in found:
            continue
        found[requirement.name] = distribution(requirement.name)
        waiting += map(Requirement, found[requirement.name].requires or [])
    return found


def link(found: Distribution, packages: Path) -> None:
    """Make the modules of a distribution importable from *packages*."""
    for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
        if not (packages / name).exists():
            (packages / name).symlink_to(found.locate_file(name).resolve())


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"runstreams-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "runstreams/py.typed" in names
    assert f"runstreams-{__version__}.dist-info/licenses/LICENSE" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"runstreams", f"runstreams-{__version__}.dist-info"}


def test_it_serves_where_it_is_installed(elsewhere: Path, tmp_path: Path) -> None:
    command = (str(elsewhere / "bin" / "runstreams"), "serve")
    path = "/realtime/v1/streams/run_1"
    with ServerProcess(tmp_path / "data", command=command, environ={"PYTHONPATH": ""}) as server:
        server.http.post(f"{path}/self/k/append", content="hello").raise_for_status()
        page = server.http.get(f"{path}/k").json()
        assert [chunk["data"] for chunk in page["chunks"]] == ["hello"]
        assert server.stop() == 0


def test_it_is_the_installed_package_that_runs(elsewhere: Path) -> None:
    show = "import runstreams.cli, runstreams; print(runstreams.__file__)"
    said = subprocess.check_output(
        [str(elsewhere / "bin" / "python"), "-c", show], text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert Path(said.strip()).is_relative_to(elsewhere)
