"""The workflows for GitHub call what there is; `make lint` looks at how they do so."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.tools import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOW = {path.stem: yaml.safe_load(path.read_text()) for path in WORKFLOWS}
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_target_that_is_called_is_there(path: Path) -> None:
    text = path.read_text()
    called = re.findall(r"(?:\.ci/run|make) ([a-z -]+)$", text, re.MULTILINE)
    for matrix in re.findall(r"targets: (\[.+\])", text):
        called += yaml.safe_load(matrix)
    assert called
    assert {name for names in called for name in names.split()} <= set(TARGETS)


def test_all_of_the_ci_script_is_called() -> None:
    (everything,) = re.findall(r"\$\{\*:-(.+)\}", (ROOT / ".ci" / "run").read_text())
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert [name for name in everything.split() if not re.search(rf"\b{name}\b", text)] == []


def test_every_lock_of_npm_is_kept_new() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    (kept,) = (each["directories"] for each in updates if each["package-ecosystem"] == "npm")
    locks = [*ROOT.glob("*/*/package-lock.json")]
    assert sorted(kept) == sorted(f"/{path.parent.relative_to(ROOT)}" for path in locks)


def test_the_image_is_made_in_the_debian_that_it_is_made_of() -> None:
    (image,) = re.findall(
        r"^FROM (debian:\w+)-slim$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert WORKFLOW["ci"]["jobs"]["soak"]["container"]["image"] == image


NPM = """#!/bin/sh
if [ "$1" = publish ]; then echo "$2" >>published; exit; fi
[ "$2" = "$THERE" ] || { echo "npm error code E404" >&2; exit 1; }
echo 1.2.3
"""
"""A registry that has the version `THERE`, and no other."""


@pytest.mark.parametrize(
    ("there", "published"),
    [
        ("", ["react", "ai"]),
        ("@runstreams/react@1.2.3", ["ai"]),
        ("@runstreams/ai@1.2.3", ["react"]),
    ],
)
def test_a_release_leaves_what_npm_has(there: str, published: list[str], tmp_path: Path) -> None:
    (script,) = (
        step["run"] for step in WORKFLOW["release"]["jobs"]["npm"]["steps"] if "run" in step
    )
    (tmp_path / "npm").write_text(NPM)
    (tmp_path / "npm").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "GITHUB_REF_NAME": "v1.2.3", "THERE": there}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=True)
    files = [f"./dist/runstreams-{name}-1.2.3.tgz" for name in published]
    assert (tmp_path / "published").read_text().split() == files
