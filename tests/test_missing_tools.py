"""A part of the tests whose tool is missing is named, never passed over in silence."""

import os
import subprocess
import sys
from pathlib import Path

from .tools import ROOT

SUITE = """
import pytest
from tests.conftest import MISSING, give_up

@pytest.mark.needs("no-such-tool")
def test_that_needs_what_is_missing():
    raise AssertionError("nothing can be tested without its tool")

@pytest.mark.needs("no-such-tool")
def test_that_needs_it_too():
    raise AssertionError("nothing can be tested without its tool")

def test_that_finds_out_by_itself():
    give_up(f"the-other-tool {MISSING}")

@pytest.mark.needs("sh")
def test_that_has_its_tool(tool):
    assert tool.endswith("/sh")
"""


def run(folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the suite above with what all our tests share."""
    suite = folder / "test_suite.py"
    suite.write_text(SUITE)
    usual = {name: value for name, value in os.environ.items() if name != "REQUIRE_ALL"}
    own = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *own, "--rootdir", str(folder), "-p", "no:xdist", suite],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=usual | environ,
    )


def test_what_is_skipped_for_want_of_a_tool_is_named_with_its_number(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    said = [line for line in done.stdout.splitlines() if line.startswith("skipped: ")]
    assert said == [
        "skipped: no-such-tool is not installed, which 2 tests need",
        "skipped: the-other-tool is not installed, which 1 tests need",
    ]
    assert "1 passed, 3 skipped" in done.stdout


def test_where_everything_is_required_a_missing_tool_fails(tmp_path: Path) -> None:
    done = run(tmp_path, REQUIRE_ALL="1")
    assert done.returncode == 1
    for tool in ("no-such-tool", "the-other-tool"):
        assert f"{tool} is not installed, and REQUIRE_ALL=1 requires it" in done.stdout
    assert "1 failed, 1 passed, 2 errors" in done.stdout  # an error is what fails before the test
