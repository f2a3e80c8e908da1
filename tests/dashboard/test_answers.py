"""Answers of models, told in events: as the text or the Markdown that they are."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.ai.asking import APIS
from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")

UI = [
    {"type": "start"},
    {"type": "text-start", "id": "1"},
    {"type": "text-delta", "id": "1", "delta": "## A hea"},
    {"type": "text-delta", "id": "1", "delta": "ding\n\nI will *look*."},
    {"type": "tool-input-start", "toolCallId": "c", "toolName": "weather <b>"},
    {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": '{"city": "Köln'},
]

THEN = [
    {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": '"}'},
    {"type": "tool-output-available", "toolCallId": "c", "output": "warm"},
    {"type": "text-delta", "id": "2", "delta": "It is *warm*."},
    {"type": "finish"},
]


def shown(tab: Tab, as_what: str) -> Locator:
    tab.page.get_by_role("button", name=as_what, exact=True).click()
    name = "Markdown" if as_what == "Markdown" else "text"
    return tab.page.get_by_role("region", name=f"Chunks as {name}")


@pytest.mark.parametrize("api", APIS)
def test_the_events_of_a_model_are_its_answer(tab: Tab, place: Place, run: str, api: str) -> None:
    place.write(run, "out", *APIS[api].wire("tool"))
    tab.open(stream(run, "out"), place.server.secret)
    text = shown(tab, "Text")
    expect(text.locator(".part").first).to_have_text("I will look.")
    said = text.get_by_text('{"city": "Köln"}')
    expect(said).to_be_hidden()
    text.get_by_text("weather", exact=True).click()
    expect(said).to_be_visible()
    tab.page.get_by_role("button", name="Line each").click()
    expect(text).to_contain_text("weather")
    expect(text.locator("details.part")).to_have_count(0)


def test_markdown_goes_on_behind_what_is_folded(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", *UI)
    tab.open(stream(run, "out") + "?view=markdown", place.server.secret)
    page = tab.page
    expect(page.get_by_role("heading", name="A heading")).to_be_visible()
    expect(page.locator("em")).to_have_text("look")
    page.get_by_text("weather <b>").click()
    expect(page.get_by_text('{"city": "Köln')).to_be_visible()
    place.write(run, "out", *THEN, client="another")
    expect(page.locator("em").nth(1)).to_have_text("warm")
    expect(page.locator("details.part .folded")).to_have_text('{"city": "Köln"}\n→ warm')
    expect(page.locator("details.part")).to_have_attribute("open", "")


def test_what_is_found_in_a_fold_unfolds_it(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", *UI, *THEN)
    tab.open(stream(run, "out") + "?view=text", place.server.secret)
    tab.page.get_by_role("searchbox", name="Search chunks").fill("köln")
    expect(tab.page.locator("output.matches")).to_contain_text("1")
    tab.page.get_by_role("searchbox", name="Search chunks").press("Enter")
    expect(tab.page.locator("details.part")).to_have_attribute("open", "")


def test_another_form_is_read_at_a_path_that_one_types(tab: Tab, place: Place, run: str) -> None:
    values: list[Any] = [{"part": [{"words": word}]} for word in ("To", " be", ", or")]
    place.write(run, "out", *values, {"part": []}, "x")
    tab.open(stream(run, "out") + "?view=text", place.server.secret)
    text = tab.page.get_by_role("region", name="Chunks as text")
    expect(text).to_contain_text('{"part": []}')
    path = tab.page.get_by_label("Path to the text in a chunk")
    path.fill("part[0].words")
    expect(text.locator(".sheet")).to_have_text("To be, or")
    place.write(run, "out", {"part": [{"words": " not"}]}, client="another")
    expect(text.locator(".sheet")).to_have_text("To be, or not")
    path.fill("")
    expect(text).to_contain_text('{"part": []}')


def test_on_a_phone_an_answer_is_no_wider_than_the_screen(
    browser: Browser, place: Place, run: str
) -> None:
    place.write(run, "out", *UI, *THEN)
    tab = Tab(browser, place.server.url, viewport={"width": 375, "height": 640})
    tab.open(stream(run, "out") + "?view=markdown", place.server.secret)
    tab.page.get_by_text("weather <b>").click()
    assert tab.overflow() == 0
    tab.check()
    tab.context.close()
