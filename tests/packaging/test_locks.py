"""The lock files hold what pyproject.toml asks for, and the layer holds what was tested."""

import json
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.elsewhere import needed
from tests.tools import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(path: str) -> dict[str, Version]:
    """Return the versions of a lock file."""
    lines = (ROOT / path).read_text().splitlines()
    pins = (line.partition("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, _, version in pins}


def asked_for() -> Iterator[Requirement]:
    """Yield everything that pyproject.toml names."""
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    lists = [
        project["dependencies"],
        PROJECT["build-system"]["requires"],
        *project["optional-dependencies"].values(),
        *groups.values(),
    ]
    for names in lists:
        yield from (Requirement(name) for name in names if isinstance(name, str))


@pytest.mark.parametrize("requirement", list(asked_for()), ids=str)
def test_everything_asked_for_is_locked(requirement: Requirement) -> None:
    version = locked("requirements/dev.txt")[canonicalize_name(requirement.name)]
    assert version in requirement.specifier


@pytest.mark.parametrize(
    "name",
    [
        *("boto3", "fastapi", "httpcore", "httpx", "prometheus-client", "pydantic"),
        *("pyjwt", "starlette", "uvicorn"),
    ],
)
def test_whose_inside_is_used_has_an_upper_bound(name: str) -> None:
    for requirement in asked_for():
        if canonicalize_name(requirement.name) == name:
            assert any(each.operator == "<" for each in requirement.specifier), requirement


@pytest.mark.parametrize(
    "path",
    [
        "layers/dependencies/requirements.txt",
        "requirements/server.txt",
        "requirements/image.txt",
    ],
)
def test_the_layer_the_demo_and_the_image_have_the_tested_versions(path: str) -> None:
    held, tested = locked(path), locked("requirements/dev.txt")
    assert held
    assert held == {name: tested.get(name) for name in held}


@pytest.mark.parametrize(("lock", "extras"), [("server", ["server"]), ("image", ["server", "aws"])])
def test_the_demo_and_the_image_have_what_a_server_needs(lock: str, extras: list[str]) -> None:
    project = PROJECT["project"]
    asked = (name for extra in extras for name in project["optional-dependencies"][extra])
    wanted = needed([*project["dependencies"], *asked])
    there = locked(f"requirements/{lock}.txt").keys()
    assert {canonicalize_name(name) for name in wanted} <= there


NPM = [
    "tests/clients",
    "tests/dashboard",
    "tests/release",
    "src/react",
    "src/ai",
    "src/dashboard",
    "examples/react-chat",
    "examples/fastapi-usechat",
]


@pytest.mark.parametrize("folder", NPM)
def test_npm_packages_are_locked_and_come_from_no_particular_registry(folder: str) -> None:
    asked = json.loads((ROOT / folder / "package.json").read_text())
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    for name, version in (asked.get("dependencies", {}) | asked["devDependencies"]).items():
        if not version.startswith("file:"):
            assert packages[f"node_modules/{name}"]["version"] == version.rpartition("@")[2]
    for name, package in packages.items():
        comes_with = "node_modules" not in name or package.get("link") or package.get("inBundle")
        assert comes_with or "resolved" not in package, name
        assert comes_with or "integrity" in package, name


def test_the_layer_holds_what_the_lambda_extra_needs_but_boto3() -> None:
    """Lambda's runtime brings boto3."""
    wanted = needed(PROJECT["project"]["optional-dependencies"]["lambda"])
    brought = needed(["boto3"])
    there = locked("layers/dependencies/requirements.txt")
    assert {canonicalize_name(name) for name in wanted.keys() - brought.keys()} <= there.keys()


@pytest.mark.parametrize(("tool", "version"), [("ministack", "1.5.33"), ("aws-sam-cli", "1.170.0")])
def test_the_tools_are_the_ones_that_were_tried(tool: str, version: str) -> None:
    files = {"ministack": "requirements/ministack.txt", "aws-sam-cli": "requirements/sam.txt"}
    assert locked(files[tool])[canonicalize_name(tool)] == Version(version)
