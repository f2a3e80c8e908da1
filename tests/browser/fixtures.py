"""A browser for the tests of a module, and a profile of its own for each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.chromium import MILLISECONDS, launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What the pages of one test share: storage, cookies, caches."""
    context = browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    yield context
    context.close()
