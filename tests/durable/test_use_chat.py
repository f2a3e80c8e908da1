"""The AI SDK's `useChat` in Chromium, over the official transport, with its answers in a stream of
ours: the reader comes back in the middle of an answer, and has all of it once.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests import tools
from tests.browser.chromium import MILLISECONDS, launched
from tests.durable.conftest import HERE
from tests.faults.proxy import FaultProxy
from tests.serve.process import ServerProcess

pytestmark = [
    pytest.mark.needs("node", "chromium"),
    pytest.mark.usefixtures("packages"),
    pytest.mark.timeout(120),
]

LIVE = "live=sse"
"""What the address of a live read has in it; what is there already is read by another before."""

HALF, WHOLE = "one two ", "one two three four"


@pytest.fixture(scope="module")
def script(packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("chat") / "page.js"
    options = ["--bundle", "--format=esm", "--jsx=automatic", f"--outfile={made}"]
    bundler = str(HERE / "node_modules" / ".bin" / "esbuild")
    subprocess.run([bundler, "chat/page.tsx", *options], cwd=HERE, check=True, capture_output=True)
    return made


@pytest.fixture
def app(script: Path, tmp_path: Path) -> Iterator[int]:
    """The port of the chat's own server, beside a server of ours."""
    with ServerProcess(tmp_path / "data") as server:
        told = {"SERVED": server.url, "SECRET": server.secret, "PAGE": str(script)}
        command = [str(tools.find("node")), "chat/app.mjs"]
        with subprocess.Popen(
            command, cwd=HERE, env=os.environ | told, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            yield int(process.stdout.readline())
            process.kill()


@pytest.fixture
def network(app: int) -> Iterator[FaultProxy]:
    with FaultProxy(app) as network:
        yield network


@pytest.fixture
def page(network: FaultProxy) -> Iterator[Page]:
    """A page that reads an answer live, which has come as far as its middle."""
    with launched() as browser:
        page = browser.new_page()
        with page.expect_response("**/api/chat/chat/stream"):  # there is nothing to resume
            page.goto(f"{network.url}/?chat")
        with page.expect_response(lambda response: LIVE in response.url):
            page.get_by_role("button").click()
        expect_answer(page, HALF)
        yield page


def expect_answer(page: Page, text: str) -> None:
    """Wait until the page shows just *text* as the answer, and no error."""
    expect(page.locator("#assistant")).to_have_text(text, timeout=MILLISECONDS)
    expect(page.locator("output")).to_be_empty()


def go_on(page: Page, network: FaultProxy) -> None:
    """Let the answer come to its end, and expect all of it."""
    httpx.post(f"{network.url}/go")
    page.locator("[data-status=ready]").wait_for(timeout=MILLISECONDS)
    expect_answer(page, WHOLE)


def test_a_page_that_is_reloaded_in_the_middle_has_all_of_an_answer(
    page: Page, network: FaultProxy
) -> None:
    page.reload()
    expect_answer(page, HALF)
    go_on(page, network)
    expect(page.locator("#user")).to_have_text("Count")


def test_a_connection_that_is_cut_is_told_and_a_reload_has_all_of_the_answer(
    page: Page, network: FaultProxy
) -> None:
    """The transport does not go on by itself: it tells `useChat`, which tells the page."""
    assert network.reset("GET", LIVE) == 1
    page.locator("[data-status=error]").wait_for(timeout=MILLISECONDS)
    page.reload()
    expect_answer(page, HALF)
    go_on(page, network)
