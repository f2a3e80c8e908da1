"""What users can name and how they can call it stays as it is, and is described."""

import importlib
import subprocess
import sys

import pytest

from runstreams import errors
from runstreams.core import errors as core
from runstreams.errors import RunstreamsError
from runstreams.sdk import errors as sdk
from tests.public_api.surface import FILE, MODULES, surface
from tests.tools import ROOT

PAGE = "".join((ROOT / "docs" / name).read_text() for name in ("sdk.md", "testing.md"))


def test_the_public_surface_is_the_one_written_down() -> None:
    """`python -m tests.public_api.surface` writes it down anew; the changelog says why."""
    assert surface() == FILE.read_text()


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_is_listed_in_order_and_there(module: str) -> None:
    found = importlib.import_module(module)
    assert sorted(found.__all__) == found.__all__
    assert [name for name in found.__all__ if not hasattr(found, name)] == []


def test_the_sync_and_the_async_surface_have_the_same_names() -> None:
    import runstreams
    import runstreams.aio

    both = set(runstreams.__all__) - {"Client"}
    assert both == set(runstreams.aio.__all__) - {"lifespan"}
    sync, aio = dir(runstreams.streams), dir(runstreams.aio.streams)
    assert [name for name in sync if name[0] != "_"] == [name for name in aio if name[0] != "_"]


@pytest.mark.parametrize("name", errors.__all__)
def test_a_traceback_names_an_error_by_where_it_is_found(name: str) -> None:
    import runstreams

    kind = getattr(errors, name)
    assert kind.__module__ == "runstreams"
    assert getattr(runstreams, name) is kind


def test_every_error_that_says_it_is_found_there_is() -> None:
    made = {**vars(core), **vars(sdk)}.values()
    kinds = {kind for kind in made if isinstance(kind, type) and issubclass(kind, RunstreamsError)}
    said = {kind.__name__ for kind in kinds if kind.__module__ == "runstreams"}
    assert said == set(errors.__all__)


def test_what_is_named_by_the_package_says_so() -> None:
    import runstreams
    import runstreams.aio
    import runstreams.testing

    assert str(runstreams.Client) == "<class 'runstreams.Client'>"
    assert str(runstreams.aio.Reader) == "<class 'runstreams.aio.Reader'>"
    assert str(runstreams.testing.Server) == "<class 'runstreams.testing.Server'>"
    # Named by nobody, and handed out all the same.
    assert str(type(runstreams.streams)) == "<class 'runstreams.Streams'>"
    assert str(type(runstreams.aio.streams.run("r"))) == "<class 'runstreams.aio.RunScope'>"


def test_what_is_handed_out_says_so_whether_or_not_it_was_ever_asked_for() -> None:
    """In a new process, which takes nothing from the package itself."""
    show = (
        "from importlib import import_module\n"
        "import runstreams, runstreams.aio\n"
        "places = runstreams._PLACES.items()\n"
        "sync = [getattr(import_module('runstreams.' + at), name) for name, at in places]\n"
        "every = [*sync, *map(vars(runstreams.aio).get, runstreams.aio.__all__)]\n"
        "kinds = [it if isinstance(it, type) else type(it) for it in every]\n"
        "print(*{kind.__module__ for kind in kinds} - {'builtins'})"
    )
    command = [sys.executable, "-c", show]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(said.split()) == {"runstreams", "runstreams.aio"}


def test_every_call_is_described() -> None:
    lines = [line for line in FILE.read_text().splitlines() if "errors." not in line]
    names = {line.partition("(")[0].rpartition(".")[2] for line in lines}
    called = {name for name in names if not name.startswith("__") and ":" not in name}
    assert [name for name in sorted(called) if name not in PAGE] == []


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_row(name: str) -> None:
    table = PAGE.partition("## Errors")[2].partition("## In your tests")[0]
    rows = [row for row in table.splitlines() if f"`{name}`" in row]
    assert rows or name == "RunstreamsError"


def test_the_command_is_quick_to_say_its_version() -> None:
    """Nothing of the SDK or the server is imported for it."""
    show = (
        "import sys, runstreams.cli\n"
        "try: runstreams.cli.main(['--version'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    said = subprocess.check_output([sys.executable, "-c", show], text=True)
    assert not set(said.split()) & {"httpx", "asyncio", "fastapi", "boto3", "pydantic"}
