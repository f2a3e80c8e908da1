"""The example chat in Chromium: nothing is lost or doubled, whatever happens to the page.

The component logs each chunk that it hears of, so what a page has logged is what was read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import faults
from tests.browser.chromium import VISIBILITY
from tests.faults.proxy import FaultProxy
from tests.react.building import EXAMPLE, PACKAGE, build
from tests.react.chat import ChatProcess
from tests.serve.process import ServerProcess

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.timeout(240)]

WORD_MS = 20


@pytest.fixture(scope="module")
def built() -> None:
    build(PACKAGE, EXAMPLE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("chat") / "data"
    with ServerProcess(folder) as server:
        yield server


@pytest.fixture(scope="module")
def network(server: ServerProcess) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as network:
        yield network


@pytest.fixture(scope="module")
def chat(built: None, server: ServerProcess, network: FaultProxy) -> Iterator[ChatProcess]:
    with ChatProcess(network.url, server.secret, WORD_MS) as chat:
        yield chat


class Tab:
    """A page of the chat, what it has logged since it was loaded, and what went wrong in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.heard: list[str] = []
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", lambda said: said.type == "log" and self.heard.append(said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)

    def ask(self, question: str) -> None:
        self.page.get_by_label("Your question").fill(question)
        self.page.keyboard.press("Enter")

    def until_heard(self, words: int) -> None:
        while len(self.heard) < words:
            self.page.wait_for_timeout(10)

    def until(self, status: str) -> None:
        self.page.locator(f"[data-status={status}]").wait_for()

    def reload(self) -> None:
        self.page.reload(wait_until="commit")
        self.heard.clear()

    def set_visibility(self, state: str) -> None:
        """Say that the page is hidden or visible: without a screen it never is hidden itself."""
        self.page.evaluate(VISIBILITY, state)

    def run(self) -> str:
        return self.page.get_by_text("run_").inner_text().removeprefix("Run:").strip()


def check_heard(tab: Tab, server: ServerProcess) -> None:
    """Check that the tab has heard, once and in order, of all that the server has stored."""
    path = f"/realtime/v1/streams/{tab.run()}/stream"
    page = server.http.get(path, params={"wait": 0}).raise_for_status().json()
    written = [chunk["data"] for chunk in page["chunks"]]
    tab.until_heard(len(written))
    assert tab.heard == written


def test_an_answer_is_rendered_from_another_origin(
    chat: ChatProcess, server: ServerProcess, network: FaultProxy, context: BrowserContext
) -> None:
    tab = Tab(context, chat.url)
    tab.ask("Show me a table and some code")
    tab.until("completed")
    expect(tab.page.get_by_role("cell", name="a night")).to_be_visible()
    expect(tab.page.locator("pre")).to_contain_text("useRealtimeStream")
    check_heard(tab, server)
    assert tab.errors == []
    origins = {seen.headers.get("origin") for seen in network.requests() if tab.run() in seen.path}
    assert chat.url.rstrip("/") in origins


def test_a_reload_in_the_middle_loses_and_doubles_nothing(
    chat: ChatProcess, server: ServerProcess, context: BrowserContext
) -> None:
    tab = Tab(context, chat.url)
    tab.ask("What happens when I reload this page?")
    for words in (5, 15):
        tab.until_heard(words)
        tab.reload()
    tab.until("completed")
    check_heard(tab, server)
    assert "".join(tab.heard).endswith("you were gone.")
    expect(tab.page.get_by_role("heading", name="Reload it and see")).to_be_visible()


def test_a_network_that_goes_and_comes_loses_and_doubles_nothing(
    chat: ChatProcess, server: ServerProcess, network: FaultProxy, context: BrowserContext
) -> None:
    tab = Tab(context, chat.url)
    tab.ask("Why is nothing lost without a network?")
    tab.until_heard(5)
    context.set_offline(True)
    network.reset("POST", "/follow")
    expect(tab.page.get_by_text("Connection lost")).to_be_visible()
    context.set_offline(False)
    tab.until("completed")
    check_heard(tab, server)
    assert tab.errors == []


def test_a_hidden_tab_rests_and_catches_up_when_it_is_shown(
    chat: ChatProcess, server: ServerProcess, context: BrowserContext
) -> None:
    tab = Tab(context, chat.url)
    tab.ask("What happens when I look away?")
    tab.until_heard(5)
    tab.set_visibility("hidden")
    expect(tab.page.get_by_text("Paused")).to_be_visible()
    stream = f"/api/v1/runs/{tab.run()}/streams/stream"
    while (found := server.http.get(stream).json())["closed"] is None:
        tab.page.wait_for_timeout(20)
    assert len(tab.heard) < found["tail"]
    tab.set_visibility("visible")
    tab.until("completed")
    check_heard(tab, server)


def test_two_tabs_see_the_same_and_either_may_stop_it(
    chat: ChatProcess, server: ServerProcess, context: BrowserContext
) -> None:
    one = Tab(context, chat.url)
    one.page.wait_for_url("**/#run_*")
    two = Tab(context, one.page.url)
    one.ask("What happens in two tabs?")
    two.until_heard(5)
    two.page.get_by_role("button", name="Stop").click()
    for tab in (one, two):
        tab.until("canceled")
        expect(tab.page.get_by_text("You stopped it.")).to_be_visible()
        check_heard(tab, server)
    assert not "".join(one.heard).endswith("you were gone.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_grave_is_wrong_with_the_page(
    chat: ChatProcess, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme)
    tab = Tab(context, chat.url)
    assert faults(tab.page) == []
    tab.ask("Show me a table and some code")
    tab.until("completed")
    assert faults(tab.page) == []
    context.close()
