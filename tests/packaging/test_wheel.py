"""The wheel: built, installed elsewhere with only what it declares, and used there."""

import zipfile
from pathlib import Path

import httpx
import pytest

from runstreams import __version__
from runstreams.http.routes.dashboard import KINDS
from runstreams.testing import Server
from tests.functions.environment import Environment as Function
from tests.functions.handlers import ENVIRONMENT
from tests.packaging.elsewhere import Environment, build
from tests.serve.process import ServerProcess

PIPE_AND_READ = """
import sys
from runstreams import streams
piped = streams.pipe("words", ["a", {"b": 2}], target="run_wheel", close=True)
assert piped.wait_until_complete() == 1
assert list(streams.read("run_wheel", "words")) == ["a", {"b": 2}]
there = sys.modules.keys() & {"fastapi", "boto3", "pydantic", "uvicorn", "jwt"}
print(*there, streams.list("run_wheel")[0].tail)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of somebody who only writes and reads."""
    environment = Environment(tmp_path_factory.mktemp("bare") / "venv")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def with_server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("with-server") / "venv")
    environment.install(wheel, "server")
    return environment


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"runstreams-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "runstreams/py.typed" in names
    assert {f"runstreams/dashboard/{name}" for name in KINDS} <= set(names)
    assert f"runstreams-{__version__}.dist-info/licenses/LICENSE" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"runstreams", f"runstreams-{__version__}.dist-info"}


def test_without_extras_it_brings_httpx_and_no_more(bare: Environment) -> None:
    there = {path.name for path in bare.packages.iterdir() if path.suffix != ".dist-info"}
    there -= {"pip", "setuptools", "_distutils_hack", "distutils-precedence.pth", "pkg_resources"}
    assert there - {"typing_extensions.py"} == {
        "anyio",
        "certifi",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "runstreams",
    }


def test_without_extras_it_pipes_and_reads(bare: Environment, runstreams_server: Server) -> None:
    done = bare.run("python", "-c", PIPE_AND_READ, environ=runstreams_server.environ())
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_without_extras_the_command_line_reads(
    bare: Environment, runstreams_server: Server
) -> None:
    with runstreams_server.client() as client:
        client.streams.append("hello", target="run_bare")
    done = bare.run("runstreams", "read", "run_bare", environ=runstreams_server.environ())
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("serve",), "server"),
        (("objects", "run_1", "k", "--aws"), "aws"),
    ],
)
def test_a_command_that_needs_an_extra_names_it(
    bare: Environment, command: tuple[str, ...], extra: str
) -> None:
    done = bare.run("runstreams", *command)
    assert done.returncode == 3
    assert done.stderr.startswith("runstreams: this needs ")
    assert done.stderr.endswith(f'which is not installed: pip install "runstreams[{extra}]"\n')


NAMED = """
from datetime import date
from runstreams import Client, streams
from runstreams.errors import InvalidSetting
for call in (
    lambda: streams.define("day", date),
    lambda: Client.direct(bucket="b", table="t").streams.append("x", target="run_1"),
):
    try:
        call()
    except InvalidSetting as error:
        print(error)
"""


def test_a_call_that_needs_an_extra_names_it(bare: Environment) -> None:
    typed, direct = bare.run("python", "-c", NAMED).stdout.splitlines()
    assert 'pip install "runstreams[pydantic]"' in typed
    assert 'pip install "runstreams[aws]"' in direct


IN_MEMORY = """
from runstreams import streams, testing
with testing.in_memory():
    streams.pipe(["a"], target="run_1", close=True)
    print(*streams.read("run_1"))
try:
    with testing.serving():
        pass
except ModuleNotFoundError as error:
    print(error)
"""


def test_without_extras_tests_have_streams_in_memory_and_no_server(bare: Environment) -> None:
    done = bare.run("python", "-c", IN_MEMORY)
    first, second = done.stdout.splitlines()
    assert first == "a"
    assert second.endswith('which is not installed: pip install "runstreams[server]"')


def test_with_the_server_extra_it_serves(with_server: Environment, tmp_path: Path) -> None:
    command = (with_server.command("runstreams"), "serve")
    path = "/realtime/v1/streams/run_1"
    with ServerProcess(tmp_path / "data", command=command, environ={"PYTHONPATH": ""}) as server:
        server.http.post(f"{path}/self/k/append", content="hello").raise_for_status()
        page = server.http.get(f"{path}/k").json()
        assert [chunk["data"] for chunk in page["chunks"]] == ["hello"]
        assert server.stop() == 0


def test_with_the_server_extra_aws_is_missing_and_named(with_server: Environment) -> None:
    done = with_server.run("runstreams", "serve", "--aws", "--port", "0")
    assert done.returncode == 3
    assert done.stderr.endswith('pip install "runstreams[aws]"\n')


def test_with_the_lambda_extra_the_stream_function_starts(wheel: Path, tmp_path: Path) -> None:
    """By its script, and with a key that has to be read from Secrets Manager."""
    environment = Environment(tmp_path / "venv")
    environment.install(wheel, "lambda")
    settings = {
        **ENVIRONMENT,
        "RUNSTREAMS_SECRET_KEY": "",
        "RUNSTREAMS_SECRET_ARN": "arn",
        "LAMBDA_RUNTIME_DIR": str(environment.packages),
        "PATH": f"{environment.folder / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": "",
    }
    function = Function(settings, tmp_path / "log")
    try:
        answer = httpx.get(f"http://127.0.0.1:{function.port}/health")
        assert answer.json()["status"] == "ok"
    finally:
        function.kill()


def test_it_is_the_installed_package_that_runs(bare: Environment) -> None:
    done = bare.run("python", "-c", "import runstreams.cli; print(runstreams.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(bare.folder)
