"""The dashboard through the gateway: the same page, below a stage, with long polls."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import launched
from tests.dashboard.tab import Tab, stream
from tests.deployed.client import HttpClient
from tests.deployed.stack import Stack

pytestmark = [pytest.mark.deployed, pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def test_it_is_named_by_an_output_and_not_sent_twice(stack: Stack, client: HttpClient) -> None:
    assert stack.outputs["DashboardUrl"] == stack.outputs["ApiUrl"] + "/dashboard"
    page = client.ask("GET", "/dashboard", authorization="")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    again = client.ask("GET", "/dashboard", If_None_Match=page.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert client.ask("GET", "/dashboard/icon.svg").content.startswith(b"<svg")


def test_a_stream_is_followed_through_the_gateway(
    stack: Stack, client: HttpClient, browser: Browser, run: str
) -> None:
    client.write(run, "out", ["## A hea", "ding\n\n"], "w").raise_for_status()
    tab = Tab(browser, stack.url)
    tab.open()
    tab.sign_in(stack.secret)
    tab.page.get_by_role("link", name=run).first.click()
    tab.page.get_by_role("rowheader", name="out").get_by_role("link").click()
    expect(tab.page.locator("[data-index='1']")).to_contain_text("ding")
    client.write(run, "out", ["with *emphasis*\n"], "w", 2).raise_for_status()
    expect(tab.page.locator("[data-index='2']")).to_contain_text("emphasis")
    tab.page.get_by_role("button", name="Markdown").click()
    expect(tab.page.get_by_role("heading", name="A heading")).to_be_visible()
    client.close(run, "out")
    expect(tab.page.locator("[data-state=closed]")).to_be_visible()
    assert any("wait=" in address for address in tab.asked)
    tab.page.goto("about:blank")
    tab.open(stream(run, "out") + "?at=1")
    expect(tab.page.locator("[data-index='1']")).to_be_visible()
    expect(tab.page.locator("[data-index='0']")).to_have_count(0)
    tab.check()
    tab.context.close()
