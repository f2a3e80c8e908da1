"""What all tests share: parts whose tool is missing are named, and with REQUIRE_ALL=1 they fail."""

import os
import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests import tools

pytest_plugins = ["tests.browser.fixtures", "tests.deployed.fixtures", "tests.emulators.fixtures"]

MISSING = "is not installed"

# A machine under load is slow, and that is no example's fault.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell. The programs that the tests interrupt would ignore it
    # as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if tools.find(tool) is None:
                give_up(f"{tool} {MISSING}")


def give_up(reason: str) -> None:
    """Skip the test, or fail it where everything is required."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{reason}, and REQUIRE_ALL=1 requires it", pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each missing tool and what it cost."""
    reports = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.items():
        if reason.endswith(MISSING):
            terminalreporter.write_line(f"skipped: {reason}, which {count} tests need")


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> str:
    """The command of the tool that the test is marked to need."""
    marker = request.node.get_closest_marker("needs")
    return str(tools.find(marker.args[0]))
