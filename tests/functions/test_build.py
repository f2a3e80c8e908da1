"""What `sam build` makes: layers that hold everything a function imports, and nothing untested."""

import subprocess
from pathlib import Path

import pytest

from tests import tools
from tests.functions.handlers import ENVIRONMENT, FUNCTIONS
from tests.functions.sam import build
from tests.tools import ROOT

RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
"""What Lambda's Python brings along."""


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
    """The folder of what Lambda's Python brings along; SAM's has it too, and much more."""
    sam, folder = tools.find("sam"), tmp_path_factory.mktemp("runtime")
    assert sam is not None
    [packages] = (sam.parent.parent / "lib").glob("python3.13/site-packages")
    for name in RUNTIME:
        (folder / name).symlink_to(packages / name)
    return folder


@pytest.mark.needs("sam")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_needs_only_its_layers_and_what_lambda_brings(
    name: str, built: Path, runtime: Path, tool: str
) -> None:
    """Run by Python 3.13, as on Lambda, without any packages of its own."""
    layers = (built / "DependenciesLayer" / "python", built / "PackageLayer" / "python")
    done = subprocess.run(
        [Path(tool).parent / "python", "-S", "-c", "import app; print(app.handler.__name__)"],
        cwd=built / f"{name.capitalize()}Function",
        env=ENVIRONMENT | {"PYTHONPATH": ":".join(map(str, (*layers, runtime)))},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "handle\n", done.stderr


@pytest.mark.needs("sam")
def test_layers_come_with_bytecode(built: Path) -> None:
    """A layer is read-only: without it each cold start would compile everything again."""
    for layer in ("DependenciesLayer", "PackageLayer"):
        source = len(list((built / layer).rglob("*.py")))
        assert len(list((built / layer).rglob("*.cpython-313.pyc"))) == source
