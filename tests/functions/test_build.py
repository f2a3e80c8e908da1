"""What `sam build` makes: layers that hold everything a function imports, and nothing untested."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.deployed.built import built_function, link_runtime, python
from tests.functions.environment import Environment
from tests.functions.handlers import ENVIRONMENT, FUNCTIONS, event
from tests.functions.sam import build
from tests.tools import ROOT


def _pins(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_the_layer_holds_the_versions_that_are_tested() -> None:
    layer = _pins(ROOT / "layers" / "dependencies" / "requirements.txt")
    tested = _pins(ROOT / "requirements" / "dev.txt")
    assert layer == {name: tested.get(name) for name in layer}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `sam build` fills."""
    return build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what Lambda's Python brings along."""
    return link_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.mark.needs("sam", "ministack")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_built_function_answers_with_its_layers_and_what_lambda_brings(
    name: str, built: Path, runtime: Path, tmp_path: Path
) -> None:
    """Under the runtime client, by Python 3.13, without any packages of its own."""
    with built_function(name, built, runtime, ENVIRONMENT, tmp_path / "log") as api:
        answer = api.invoke(event("health") | {"rawPath": "/unknown"})
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["statusCode"] == (200 if name == "manage" else 404)


@pytest.mark.needs("sam", "ministack")
def test_the_built_manage_function_brings_the_dashboard(
    built: Path, runtime: Path, tmp_path: Path
) -> None:
    with built_function("manage", built, runtime, ENVIRONMENT, tmp_path / "log") as api:
        answer = api.invoke(event("dashboard"))
    assert answer["statusCode"] == 200
    page = (ROOT / "src/runstreams/dashboard/index.html").read_bytes()
    assert base64.b64decode(answer["body"]) == page


@pytest.mark.needs("sam", "ministack")
def test_the_built_stream_function_starts_by_its_script(
    built: Path, runtime: Path, tmp_path: Path
) -> None:
    layers = (built / "DependenciesLayer" / "python", built / "PackageLayer" / "python")
    settings = {
        **ENVIRONMENT,
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LAMBDA_TASK_ROOT": str(built / "StreamFunction"),
        "PATH": f"{python().parent}:/usr/bin:/bin",
        "PYTHONPATH": ":".join(map(str, layers)),
    }
    environment = Environment(settings, tmp_path / "log", built / "StreamFunction")
    try:
        with urlopen(f"http://127.0.0.1:{environment.port}/health") as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        environment.kill()


@pytest.mark.needs("sam")
def test_layers_come_with_bytecode(built: Path) -> None:
    """A layer is read-only: without it each cold start would compile everything again."""
    for layer in ("DependenciesLayer", "PackageLayer"):
        source = len(list((built / layer).rglob("*.py")))
        assert len(list((built / layer).rglob("*.cpython-313.pyc"))) == source


LAYERS = {"dependencies": "DependenciesLayer", "package": "PackageLayer"}


@pytest.mark.needs("sam")
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_as_large_as_the_documents_say(name: str, built: Path) -> None:
    files = [path for path in (built / LAYERS[name]).rglob("*") if path.is_file()]
    whole = sum(path.stat().st_size for path in files) / 1e6
    source = sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6
    text = (ROOT / "docs" / "deployment.md").read_text()
    said = re.search(rf"^\| {name} \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert said is not None
    assert [whole, source] == pytest.approx([float(each) for each in said.groups()], rel=0.2)


@pytest.mark.soak
@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_dependencies_are_built_for_either_processor(
    architecture: str, machine: str, tmp_path: Path
) -> None:
    folder = ROOT / "layers" / "dependencies"
    given = {**os.environ, "ARCHITECTURE": architecture, "ARTIFACTS_DIR": str(tmp_path)}
    command = ["make", "-C", folder, "build-DependenciesLayer"]
    done = subprocess.run(command, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    native = [path.name for path in tmp_path.rglob("*.so")]
    assert native
    assert all(f"cpython-313-{machine}" in name for name in native)
