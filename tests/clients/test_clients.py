"""The published clients of trigger.dev, as they come from npm, against a server of ours.

What they do is in the files that node runs; each is one test here, and tells what it said when it
fails. Both versions run side by side, since they mostly wait.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.lab import HERE, Lab, Suite
from tests.faults.proxy import FaultProxy
from tests.tools import find

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]

VERSIONS = ("4.8.3", "4.4.6")
STREAMS, SAMPLES, HOOK, RESTART = (
    f"{name}.test.ts" for name in ("streams", "samples", "hook", "restart")
)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def run(
    opened: ExitStack, lab: Lab, file: str, versions: Iterable[str] = VERSIONS, **more: str
) -> None:
    """Run *file* with all *versions* at once, each behind a proxy of its own."""
    suites = []
    for version in versions:
        network = opened.enter_context(FaultProxy(lab.server.port))
        suites.append(opened.enter_context(Suite(lab, file, network, CLIENT=version, **more)))
    for suite in suites:
        suite.check()


@pytest.mark.parametrize("file", [STREAMS, SAMPLES])
def test_the_clients_work_over_a_network_that_fails(file: str, lab: Lab, opened: ExitStack) -> None:
    run(opened, lab, file)


def test_the_clients_survive_a_server_that_restarts(opened: ExitStack, tmp_path: Path) -> None:
    labs = [opened.enter_context(Lab(tmp_path / version)) for version in VERSIONS]
    suites = [
        opened.enter_context(Suite(lab, RESTART, CLIENT=version))
        for version, lab in zip(VERSIONS, labs, strict=True)
    ]
    for suite in suites:
        suite.check()


def test_the_hooks_work_in_a_document(lab: Lab, opened: ExitStack) -> None:
    run(opened, lab, HOOK, PLACE="jsdom")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    "version", [VERSIONS[0], pytest.param(VERSIONS[1], marks=pytest.mark.soak)]
)
def test_the_hooks_work_in_a_browser_on_another_origin(
    version: str, lab: Lab, opened: ExitStack
) -> None:
    run(opened, lab, HOOK, [version], PLACE="chromium", CHROMIUM=str(find("chromium")))


@pytest.mark.soak
def test_the_older_hook_gives_up_in_the_end(lab: Lab, opened: ExitStack) -> None:
    """It asks five times more, whatever it was refused for: that takes 31 seconds."""
    run(opened, lab, HOOK, ["4.4.6"], PLACE="jsdom", PATIENT="1")


def test_the_types_of_the_clients_allow_what_the_tests_do() -> None:
    command = ["node_modules/.bin/tsc", "-p", "."]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
