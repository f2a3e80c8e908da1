"""The example with `useChat` in Chromium: what a page shows is what is stored, whatever happens."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import faults
from tests.browser.chromium import MILLISECONDS
from tests.docs.first_hour import Program
from tests.emulators.process import free_port
from tests.faults.proxy import FaultProxy
from tests.react.building import CHAT_PACKAGE, PACKAGE, build
from tests.serve.restarting import RestartingServer
from tests.tools import ROOT

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.timeout(240)]

EXAMPLE = ROOT / "examples" / "fastapi-usechat"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartingServer]:
    with RestartingServer(tmp_path_factory.mktemp("usechat") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def network(server: RestartingServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.process.port) as network:
        yield network


@pytest.fixture(scope="module")
def backend(
    server: RestartingServer, network: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    build(PACKAGE, CHAT_PACKAGE, EXAMPLE)
    with _backend(server, network, tmp_path_factory.mktemp("chats"), word_ms=20) as backend:
        yield backend


@pytest.fixture
def slow_backend(
    backend: Program, server: RestartingServer, network: FaultProxy, tmp_path: Path
) -> Iterator[Program]:
    """One beside the other, whose answers take a quarter of a minute unless they are stopped."""
    with _backend(server, network, tmp_path, word_ms=200) as slow:
        yield slow


def _backend(
    server: RestartingServer, network: FaultProxy, folder: Path, word_ms: int
) -> AbstractContextManager[Program]:
    port, chats = free_port(), str(folder / "chats.db")
    environ = {"RUNSTREAMS_URL": network.url, "WORD_MS": str(word_ms), "CHATS": chats}
    command = (sys.executable, "-m", "uvicorn", "backend:app", "--port", str(port))
    return Program(EXAMPLE, port, *command, environ=server.environ | environ)


@pytest.fixture
def device(browser: Browser) -> Iterator[BrowserContext]:
    """Another device, as far as a page can tell: it shares nothing with those of `context`."""
    context = browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    yield context
    context.close()


class Tab:
    """A page of the example, and what went wrong in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.errors: list[str] = []
        self._backend = url.partition("#")[0].rstrip("/")
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)
        self.page.get_by_label("Your question").wait_for()

    def ask(self) -> None:
        """Ask, and return when some words of the answer are there."""
        self.page.get_by_label("Your question").fill("Why is that?")
        self.page.keyboard.press("Enter")
        self.until_begun()

    def until_begun(self) -> None:
        expect(self.page.locator(".assistant")).to_contain_text("Each", timeout=MILLISECONDS)

    def until_ready(self) -> None:
        self.page.locator("[data-status=ready]").wait_for()

    def shown(self) -> list[str]:
        """Return the texts of the conversation's messages."""
        return self.page.locator("main p").all_text_contents()

    def stored(self, server: RestartingServer) -> tuple[str, bool]:
        """Return the text of the answer's stream, and whether that is closed."""
        chat = self.page.url.partition("#")[2]
        place = httpx.get(f"{self._backend}{_stream(chat)}").raise_for_status().json()
        path = f"/realtime/v1/streams/{place['run']}/{place['key']}"
        page = server.process.http.get(path, params={"wait": 0}).raise_for_status().json()
        text = "".join(chunk["data"].get("delta", "") for chunk in page["chunks"])
        return text, page["closed"] is not None

    def check(self, server: RestartingServer) -> str:
        """Check that it shows question and answer once, as stored, and return the answer."""
        answer, _ = self.stored(server)
        assert self.shown() == ["Why is that?", answer]
        assert self.errors == []
        return answer


def _stream(chat: str) -> str:
    return f"/api/chat/{chat}/stream"


def test_a_reload_in_the_middle_loses_and_doubles_nothing(
    backend: Program, server: RestartingServer, context: BrowserContext
) -> None:
    tab = Tab(context, backend.url)
    tab.ask()
    for _ in range(2):
        tab.page.reload()
        tab.until_begun()
    tab.until_ready()
    assert tab.check(server).endswith("which one is next.")
    tab.page.reload()  # a finished answer is there again, too
    tab.until_begun()
    tab.until_ready()
    tab.check(server)


def test_two_tabs_and_another_device_show_the_same_and_any_may_stop_it(
    slow_backend: Program,
    server: RestartingServer,
    context: BrowserContext,
    device: BrowserContext,
) -> None:
    one = Tab(context, slow_backend.url)
    one.ask()
    two, three = Tab(context, one.page.url), Tab(device, one.page.url)
    two.until_begun()
    three.until_begun()
    three.page.get_by_role("button", name="Stop").click()
    for tab in (one, two, three):
        tab.until_ready()
    two.check(server)
    assert not one.check(server).endswith("which one is next.")


@pytest.mark.soak
def test_a_tab_that_is_closed_leaves_the_answer_to_be_written(
    backend: Program, server: RestartingServer, context: BrowserContext
) -> None:
    one = Tab(context, backend.url)
    one.ask()
    url = one.page.url
    one.page.close()
    two = Tab(context, url)
    two.until_begun()
    two.until_ready()
    assert two.check(server).endswith("which one is next.")


@pytest.mark.soak
def test_a_network_that_goes_and_comes_loses_and_doubles_nothing(
    backend: Program, server: RestartingServer, network: FaultProxy, context: BrowserContext
) -> None:
    tab = Tab(context, backend.url)
    tab.ask()
    context.set_offline(True)
    network.reset("GET", "/ui")
    while not tab.stored(server)[1]:
        tab.page.wait_for_timeout(20)
    assert not tab.shown()[-1].endswith("which one is next.")
    context.set_offline(False)
    tab.until_ready()
    assert tab.check(server).endswith("which one is next.")


@pytest.mark.soak
def test_a_server_that_is_killed_and_started_again_loses_and_doubles_nothing(
    backend: Program, server: RestartingServer, context: BrowserContext
) -> None:
    tab = Tab(context, backend.url)
    tab.ask()
    server.kill()
    server.start()
    tab.until_ready()
    assert tab.check(server).endswith("which one is next.")


@pytest.mark.soak
def test_another_answer_takes_the_place_of_the_first(
    backend: Program, server: RestartingServer, context: BrowserContext
) -> None:
    tab = Tab(context, backend.url)
    tab.ask()
    tab.page.get_by_role("button", name="Stop").click()
    tab.until_ready()
    tab.page.get_by_role("button", name="Answer again").click()
    tab.page.get_by_text("which one is next.").wait_for()
    tab.until_ready()
    tab.check(server)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_grave_is_wrong_with_the_page(
    backend: Program, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme)
    tab = Tab(context, backend.url)
    assert faults(tab.page) == []
    tab.ask()
    assert faults(tab.page) == []
    context.close()


def test_a_chat_that_was_never_asked_anything_has_nothing_to_resume(backend: Program) -> None:
    asked = httpx.get(f"{backend.url}{_stream('unknown')}")
    assert (asked.status_code, asked.content) == (204, b"")
