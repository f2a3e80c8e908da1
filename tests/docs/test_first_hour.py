"""The first hour: the files of its page are compiled, started, and broken as it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import MILLISECONDS
from tests.docs.first_hour import WHOLE, Program, started
from tests.react.building import run, tool_of
from tests.serve.restarting import RestartingServer

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartingServer]:
    with RestartingServer(tmp_path_factory.mktemp("streams") / "data") as streams:
        yield streams


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("answers")


@pytest.fixture(scope="module")
def programs(folder: Path, streams: RestartingServer) -> Iterator[tuple[Program, Program]]:
    with started(folder, streams.environ) as programs:
        yield programs


@pytest.fixture
def page(browser: Browser, programs: tuple[Program, Program]) -> Iterator[Page]:
    """The page, on which somebody has asked, and whose answer has come as far as 5."""
    context = browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    page.goto(programs[1].url)
    ask(page)
    yield page
    context.close()


def ask(page: Page) -> None:
    page.get_by_label("Question").fill("why?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("article p")).to_contain_text(" 5", timeout=MILLISECONDS)


def until(page: Page, status: str) -> str:
    """Wait until the page says *status*, and return the answer as it is then."""
    expect(page.locator("output")).to_have_text(status, timeout=MILLISECONDS)
    return page.locator("article p").inner_text()


def test_the_pages_code_is_typed(folder: Path, programs: tuple[Program, Program]) -> None:
    run(tool_of("tsc"), folder=folder / "page")


def test_an_answer_survives_a_reload(page: Page) -> None:
    page.reload()
    assert until(page, "completed") == WHOLE


def test_an_answer_survives_the_server(page: Page, streams: RestartingServer) -> None:
    streams.kill()
    until(page, "retrying")
    streams.start()
    assert until(page, "completed") == WHOLE


def test_the_button_stops_the_agent(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    answer = until(page, "canceled")
    assert WHOLE.startswith(answer)
    assert answer != WHOLE


def test_a_backend_that_is_stopped_says_so_and_comes_back(
    page: Page, programs: tuple[Program, Program], streams: RestartingServer
) -> None:
    backend, _ = programs
    backend.stop()
    answer = until(page, "canceled")
    assert WHOLE.startswith(answer)
    backend.start()
    page.reload()
    assert until(page, "canceled") == answer
    run_id = page.url.partition("#")[2]
    found = streams.process.http.get(f"/api/v1/runs/{run_id}").json()
    assert found["status"] == "canceled"
    ask(page)
    assert until(page, "completed") == WHOLE


@pytest.mark.soak
def test_a_backend_that_is_killed_is_missed(page: Page, programs: tuple[Program, Program]) -> None:
    backend, _ = programs
    backend.stop()
    backend.start(RUNSTREAMS_LEASE_SECONDS="10")
    page.goto("about:blank")
    page.goto(programs[1].url)  # without the answer before, which has a 5 as well
    ask(page)
    backend.kill()
    assert WHOLE.startswith(until(page, "failed"))
    backend.start()
