"""The conformance suite of the open protocol, as it comes from npm, against real servers.

All of it passes, but for the six tests of subscriptions, which are optional and not asked for.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.durable.conftest import HERE
from tests.emulators.fixtures import PARAMETERS
from tests.emulators.place import fresh_place
from tests.serve.process import ServerProcess
from tests.tools import find

pytestmark = [
    pytest.mark.needs("node"),
    pytest.mark.usefixtures("packages"),
    pytest.mark.timeout(580),
]

FILE = "conformance.test.ts"

SECONDS = 560
"""After which a run is ended: some tests wait for long polls and lifetimes."""

QUICK = (
    "^the open protocol (Basic Stream|Append|Read|JSON Mode"
    "|Fork - (Creation|Reading|Appending|Recursive|Deletion|JSON|Edge))"
)
"""Sections that wait for nothing."""

TESTS = 332
"""How many there are."""


class Result(NamedTuple):
    """What became of the suite."""

    passed: list[str]
    failed: list[str]


def run(url: str, folder: Path, sections: str = "") -> Result:
    """Run the tests of some *sections*, or all, against the server at *url*."""
    report = folder / "report.json"
    chosen = ["-t", sections] if sections else []
    vitest = [
        str(find("node")),
        "node_modules/vitest/vitest.mjs",
        "run",
        FILE,
        "--testTimeout=60000",
    ]
    subprocess.run(
        [*vitest, "--reporter=json", f"--outputFile={report}", *chosen],
        cwd=HERE,
        env={**os.environ, "SERVED": url},
        capture_output=True,
        timeout=SECONDS,
    )
    found = json.loads(report.read_text())["testResults"][0]["assertionResults"]
    passed, failed = (
        [_name(each) for each in found if each["status"] == status]
        for status in ("passed", "failed")
    )
    return Result(passed, failed)


def _name(test: dict[str, Any]) -> str:
    return f"{test['ancestorTitles'][-1]} > {test['title']}"


def test_the_sections_that_wait_for_nothing_pass(server: ServerProcess, tmp_path: Path) -> None:
    result = run(server.url, tmp_path, QUICK)
    assert len(result.passed) > 90
    assert result.failed == []


@pytest.mark.soak
def test_all_of_it_passes_on_the_disk(server: ServerProcess, tmp_path: Path) -> None:
    result = run(server.url, tmp_path)
    assert (len(result.passed), result.failed) == (TESTS, [])


@pytest.mark.soak
@pytest.mark.parametrize("emulator", PARAMETERS)
def test_all_of_it_passes_on_s3_and_dynamodb(
    emulator: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = fresh_place(request.getfixturevalue(f"{emulator}_endpoint"))
    environ = place.environment()
    with ServerProcess(tmp_path / "data", "--aws", "--anonymous", environ=environ) as server:
        result = run(server.url, tmp_path)
    assert (len(result.passed), result.failed) == (TESTS, [])
