"""The published clients of trigger.dev, as they come from npm, against a server of ours.

What they do is in the files that node runs; each is one test here, and tells what it said when it
fails. Both versions run side by side, since they mostly wait.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.lab import Lab, Suite
from tests.faults.proxy import FaultProxy

pytestmark = [pytest.mark.needs("node"), pytest.mark.timeout(240)]

VERSIONS = ("4.8.3", "4.4.6")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("file", ["streams.test.ts", "samples.test.ts"])
def test_the_clients_work_over_a_network_that_fails(file: str, lab: Lab, opened: ExitStack) -> None:
    networks = [opened.enter_context(FaultProxy(lab.server.port)) for _ in VERSIONS]
    suites = [
        opened.enter_context(Suite(lab, file, network, CLIENT=version))
        for version, network in zip(VERSIONS, networks, strict=True)
    ]
    for suite in suites:
        suite.check()


def test_the_clients_survive_a_server_that_restarts(opened: ExitStack, tmp_path: Path) -> None:
    labs = [opened.enter_context(Lab(tmp_path / version)) for version in VERSIONS]
    suites = [
        opened.enter_context(Suite(lab, "restart.test.ts", CLIENT=version))
        for version, lab in zip(VERSIONS, labs, strict=True)
    ]
    for suite in suites:
        suite.check()
