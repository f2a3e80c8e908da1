"""One server and one browser for all tests here; each test has a tab of its own."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched
from tests.dashboard.tab import Place, Tab
from tests.serve.process import ServerProcess


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("dashboard") / "data") as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def place(server: ServerProcess) -> Place:
    """Where the test's runs are."""
    return Place(server)


@pytest.fixture
def run() -> str:
    """A run of this test's own."""
    return f"run_{uuid4().hex}"


@pytest.fixture
def tab(browser: Browser, server: ServerProcess) -> Iterator[Tab]:
    """A tab in which nothing may go wrong."""
    tab = Tab(browser, server.url)
    yield tab
    tab.check()
    tab.context.close()
