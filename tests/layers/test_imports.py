"""Arrows point inwards: what each layer may import, read from the code."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "runstreams"

ALLOWED = {
    "core": set[str](),
    "wiring": {"core"},
    "stores": {"core", "botocore", "urllib3", "mypy_boto3_dynamodb", "mypy_boto3_s3"},
    "http": {"core", "fastapi", "starlette", "pydantic", "jwt", "_version"},
    "aws_lambda": {
        "core",
        "stores",
        "http",
        "wiring",
        "starlette",
        "pydantic",
        "mangum",
        "aws_lambda_powertools",
        "botocore",
    },
    "serve": {
        "_version",
        "core",
        "stores",
        "http",
        "wiring",
        "starlette",
        "uvicorn",
        "httptools",
        "uvloop",
        "botocore",
        "prometheus_client",
        "opentelemetry",
    },
    "cli": {"_version", "core", "stores", "serve", "sdk", "costs", "demo"},
    "demo": {"httpx"},
    "sdk": {"_version", "core", "httpx"},
    "ai": {"sdk"},
    "testing": {"core", "stores", "http", "serve", "wiring", "sdk", "uvicorn"},
    "costs": {"core"},
}
"""Beside the standard library and the layer itself."""

SDK_EXTRAS = {
    "clients.py": {"stores", "wiring"},
    "tracing.py": {"opentelemetry"},
    "typed.py": {"pydantic"},
}
"""What parts of the SDK import where it is installed, and only when they are used."""


def sources(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each `from module import name` of a module."""
    package = ("runstreams", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((module, name.name) for name in node.names)


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports: layers of ours by their names, others by their packages'."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
    for module, name in sources(path):
        if module == ("runstreams",):
            yield name
        else:
            yield module[1] if module[0] == "runstreams" else module[0]


def modules(layer: str) -> list[Path]:
    one = PACKAGE / f"{layer}.py"
    return [one] if one.exists() else sorted((PACKAGE / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_what_lies_further_in(layer: str) -> None:
    for path in modules(layer):
        allowed = ALLOWED[layer] | {layer} | sys.stdlib_module_names
        if layer == "sdk":
            allowed |= SDK_EXTRAS.get(path.name, set())
        assert set(imports(path)) <= allowed, path


def test_the_sdk_asks_for_the_time_of_day_only_where_a_date_is_meant() -> None:
    """The machine's clock may jump; what waits, counts seconds that do not."""
    dated = {path.name for path in modules("sdk") if "time" in set(imports(path))}
    assert dated == {
        "connection.py",  # when a token expires
        "http.py",  # Retry-After, where it is a date
    }


def test_what_only_some_users_of_the_sdk_have_is_imported_when_it_is_used() -> None:
    show = (
        "import sys, runstreams; print(*sys.modules)\n"
        "from runstreams import streams; import runstreams.aio; print(*sys.modules)"
    )
    said = subprocess.check_output([sys.executable, "-c", show], text=True).splitlines()
    bare, sdk = (set(line.split()) for line in said)
    assert not bare & {"runstreams.sdk", "httpx", "asyncio"}
    assert not sdk & {"boto3", "botocore", "fastapi", "starlette", "pydantic", "uvicorn", "jwt"}


def test_every_layer_is_named_here() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders | {"wiring"} == set(ALLOWED)


def test_no_module_imports_what_imports_it() -> None:
    """Not even for types alone, or inside of a function."""
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in PACKAGE.rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        found = ((".".join(module), ".".join((*module, each))) for module, each in sources(path))
        graph[name] = {full if full in names else module for module, full in found} - {name}
    TopologicalSorter(graph).prepare()


def test_only_one_module_puts_a_log_together() -> None:
    makers = [
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Log"
    ]
    assert makers == [Path("wiring.py")]


def test_the_core_makes_no_time_ids_or_chance_of_its_own() -> None:
    """They are passed in, so that a simulation can choose them."""
    for path in modules("core"):
        assert not set(imports(path)) & {"time", "datetime", "random", "secrets", "uuid"}, path
