"""The workflows for GitHub call what there is; `make lint` looks at how they do so."""

import re
from pathlib import Path

import pytest
import yaml

from tests.tools import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
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
