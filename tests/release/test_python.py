"""What goes to PyPI, installed where there is nothing, with what PyPI has."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runstreams import __version__
from runstreams.http.routes.dashboard import KINDS
from tests import tools
from tests.packaging.elsewhere import Environment
from tests.react.building import run
from tests.release.published import DIST, names, one
from tests.serve.process import ServerProcess

pytestmark = [pytest.mark.release, pytest.mark.timeout(300)]


@pytest.fixture
def server(with_server: Environment, tmp_path: Path) -> Iterator[ServerProcess]:
    command = (with_server.command("runstreams"), "serve")
    with ServerProcess(tmp_path / "data", command=command, environ={"PYTHONPATH": ""}) as server:
        yield server


def test_there_is_a_source_and_a_wheel_of_this_version() -> None:
    found = {path.name for path in DIST.glob("runstreams-*") if path.suffix != ".tgz"}
    assert found == {
        f"runstreams-{__version__}.tar.gz",
        f"runstreams-{__version__}-py3-none-any.whl",
    }


@pytest.mark.needs("twine")
def test_pypi_would_take_its_metadata() -> None:
    run(str(tools.find("twine")), "check", "--strict", *map(str, python_packages()), folder=DIST)


def test_both_bring_the_licence_and_the_dashboard() -> None:
    dashboard = {f"runstreams/dashboard/{name}" for name in KINDS}
    licence = f"runstreams-{__version__}.dist-info/licenses/LICENSE"
    assert names(one("*.whl")) >= dashboard | {licence, "runstreams/dashboard/LICENSES.txt"}
    assert names(one("*.tar.gz")) >= {f"src/{name}" for name in dashboard} | {"LICENSE"}


def test_the_source_holds_what_it_is_made_of_and_no_more() -> None:
    tops = {name.partition("/")[0] for name in names(one("*.tar.gz"))} - {""}
    made = {".gitignore", "PKG-INFO"}
    assert tops - made == {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "src"}


def test_what_it_needs_fits_together(bare: Environment, with_server: Environment) -> None:
    for environment in (bare, with_server):
        python = environment.command("python")
        run(sys.executable, "-m", "pip", "--python", python, "check", folder=DIST)


def test_the_installed_server_keeps_what_the_installed_command_writes(
    with_server: Environment, server: ServerProcess
) -> None:
    environ = {"RUNSTREAMS_URL": server.url, "RUNSTREAMS_SECRET_KEY": server.secret}
    written = with_server.run("runstreams", "append", "run_1", "log", "hello", environ=environ)
    assert (written.returncode, written.stderr) == (0, "")
    assert (
        with_server.run("runstreams", "read", "run_1", "log", environ=environ).stdout == "hello\n"
    )


def test_without_its_server_it_writes_and_reads(bare: Environment, server: ServerProcess) -> None:
    environ = {"RUNSTREAMS_URL": server.url, "RUNSTREAMS_SECRET_KEY": server.secret}
    bare.run("runstreams", "append", "run_bare", "log", "hello", environ=environ)
    assert bare.run("runstreams", "read", "run_bare", "log", environ=environ).stdout == "hello\n"
    refused = bare.run("runstreams", "serve")
    assert (refused.returncode, "runstreams[server]" in refused.stderr) == (3, True)


def test_the_installed_server_shows_its_dashboard(server: ServerProcess) -> None:
    page = server.http.get("/dashboard", follow_redirects=True)
    assert "<script" in page.text
    assert server.http.get("/dashboard/dashboard.js").status_code == 200


def python_packages() -> list[Path]:
    """Return the source distribution and the wheel."""
    return [one("runstreams-*.tar.gz"), one("runstreams-*.whl")]
