"""Every view, in both themes, on a screen and on a phone: nothing grave for anybody, and nothing
wider than the screen.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe import faults
from tests.dashboard.tab import Place, Tab, stream
from tests.serve.process import ServerProcess

pytestmark = pytest.mark.needs("chromium")

PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 812},
    "has_touch": True,
    "is_mobile": True,
}

TEXT = (
    "## A heading\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```\ncode "
    + "x" * 200
    + "\n```\n[link](https://a.example)\n"
)


@pytest.fixture(scope="module")
def filled(server: ServerProcess) -> tuple[Place, str]:
    """A run with streams of all kinds."""
    place, run = Place(server), "run_with_a_rather_long_name_that_fits_no_phone_" + "0123456789" * 4
    place.write(run, "text", *TEXT.splitlines(keepends=True))
    objects = [{"number": n, "nested": {"list": [1, "two", None, True]}} for n in range(60)]
    place.write(run, "objects", *objects, "a very long word: " + "x" * 5000)
    place.write(run, "failed", "x")
    place.close(run, "failed", "failed", "the model gave up, for a reason that takes a line or two")
    place.write(run, "canceled", "x")
    place.close(run, "canceled", "canceled")
    place.write(run, "k" * 200, "x")
    place.register(f"{run}_child", parent=run)
    return place, run


def views(tab: Tab, place: Place, run: str) -> Iterator[str]:
    """Yield the name of each view while it is shown."""

    def go(to: str) -> None:
        tab.page.evaluate("(to) => { location.hash = to }", to)

    tab.open()
    expect(tab.page.get_by_label("Secret key or public token")).to_be_visible()
    yield "sign in"
    tab.sign_in("wrong")
    expect(tab.page.get_by_role("alert")).to_be_visible()
    yield "refused"
    tab.sign_in(place.server.secret)
    expect(tab.page.get_by_role("link", name=run).first).to_be_visible()
    yield "runs"
    go(f"#/runs/{run}")
    expect(tab.page.get_by_text("the model gave up").first).to_be_visible()
    expect(tab.page.get_by_role("heading", name="Children")).to_be_visible()
    yield "run"
    tab.page.get_by_text("Actions", exact=True).click()
    yield "menu"
    tab.page.get_by_role("button", name="Complete…").click()
    yield "question"
    tab.page.keyboard.press("Escape")
    tab.page.get_by_text("Actions", exact=True).click()
    tab.page.get_by_role("button", name="Make a read token…").click()
    tab.page.get_by_role("button", name="Make the token").click()
    expect(tab.page.get_by_role("textbox", name="The token")).to_be_visible()
    yield "token"
    tab.page.keyboard.press("Escape")
    go(stream(run, "objects"))
    first = tab.page.locator("[data-index='60']")
    expect(first).to_be_visible()
    tab.page.keyboard.press("g")
    row = tab.page.locator("[data-index='0']")
    row.locator(".line").click()
    expect(row.locator(".tree")).to_be_visible()
    search = tab.page.get_by_role("searchbox", name="Search chunks")
    search.fill("two")
    expect(tab.page.locator("mark").first).to_be_visible()
    yield "list"
    search.blur()
    tab.page.keyboard.press("?")
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    yield "help"
    tab.page.keyboard.press("Escape")
    go(stream(run, "text") + "?view=text")
    expect(tab.page.get_by_role("region", name="Chunks as text")).to_contain_text("heading")
    yield "text"
    tab.page.get_by_role("button", name="Markdown").click()
    expect(tab.page.get_by_role("heading", name="A heading")).to_be_visible()
    yield "markdown"
    go(stream(run, "nothing-yet"))
    expect(tab.page.get_by_text("Nothing yet, waiting")).to_be_visible()
    yield "waiting"


@pytest.mark.parametrize("size", [{}, PHONE], ids=["screen", "phone"])
def test_no_view_shuts_anybody_out_or_is_wider_than_its_screen(
    browser: Browser, filled: tuple[Place, str], size: dict[str, Any]
) -> None:
    place, run = filled
    tab = Tab(browser, place.server.url, reduced_motion="reduce", **size)
    found = {view: [*wrong(tab)] for view in views(tab, place, run)}
    assert found == {view: [] for view in found}
    assert len(found) == 12
    tab.check()
    tab.context.close()


LINES = """
(toolbar) => {
    const middle = (part) => part.getBoundingClientRect().y + part.offsetHeight / 2;
    return new Set([...toolbar.children].filter((part) => part.offsetHeight).map(middle)).size;
}
"""
"""On how many lines the parts of a toolbar stand."""

CUT = """
(main) => {
    const page = main.getBoundingClientRect();
    const isCut = (part) => {
        const { left, right, width } = part.getBoundingClientRect();
        const isWide = part.clientWidth > 0 && part.scrollWidth > part.clientWidth + 1;
        return width > 0 && (left < page.left - 1 || right > page.right + 1 || isWide);
    };
    const figures = main.querySelectorAll("dt, dd, td, time, .pill, .tag, .figures svg");
    return [...figures].filter(isCut).map((part) => part.outerHTML);
}
"""
"""Which figures reach beyond what holds them."""


@pytest.mark.parametrize("width", [360, 390, 768, 1024, 1280])
def test_no_figure_is_cut_off(browser: Browser, filled: tuple[Place, str], width: int) -> None:
    place, run = filled
    tab = Tab(browser, place.server.url, viewport={"width": width, "height": 800})
    tab.open(f"#/runs/{run}", place.server.secret)
    expect(tab.page.get_by_role("heading", name="Children")).to_be_visible()
    assert tab.page.get_by_role("main").evaluate(CUT) == []
    tab.page.evaluate("(to) => { location.hash = to }", stream(run, "failed"))
    expect(tab.page.get_by_text("Last append")).to_be_visible()
    expect(tab.page.locator("[data-index='0']")).to_be_visible()
    assert tab.page.get_by_role("main").evaluate(CUT) == []
    tab.check()
    tab.context.close()


def wrong(tab: Tab) -> Iterator[str]:
    """Yield what is wrong with what *tab* shows, in both themes; but for colours they are one."""
    tab.page.emulate_media(color_scheme="light")
    yield from faults(tab.page)
    if tab.overflow():
        yield f"it is {tab.overflow()} pixels too wide"
    tab.page.emulate_media(color_scheme="dark")
    yield from (f"dark: {fault}" for fault in faults(tab.page, "color-contrast"))


def test_the_theme_can_be_chosen_and_stays(tab: Tab, place: Place) -> None:
    def background() -> str:
        found: str = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return found

    tab.open(token=place.server.secret)
    button = tab.page.get_by_role("button", name="theme")
    seen = [background()]
    for _ in range(2):
        button.click()
        seen.append(background())
    assert len(set(seen)) == 2
    tab.page.reload()
    expect(button).to_be_visible()
    assert background() == seen[-1]


@pytest.mark.parametrize("width", [1024, 1280])
def test_a_long_reason_leaves_the_stream_its_name(
    browser: Browser, server: ServerProcess, run: str, width: int
) -> None:
    place = Place(server)
    place.write(run, "answer", "x")
    place.close(run, "answer", "failed", "the model gave up, as it had before; " * 10)
    tab = Tab(browser, server.url, viewport={"width": width, "height": 800})
    tab.open(f"#/runs/{run}", server.secret)
    name = tab.page.get_by_role("rowheader").get_by_text("answer", exact=True)
    assert name.evaluate("(name) => name.scrollWidth <= name.clientWidth")
    tab.context.close()


@pytest.mark.parametrize(("width", "lines"), [(390, 2), (1280, 1)])
@pytest.mark.parametrize("view", ["list", "text", "markdown"])
def test_what_one_can_do_takes_few_lines(
    browser: Browser, filled: tuple[Place, str], width: int, lines: int, view: str
) -> None:
    place, run = filled
    tab = Tab(browser, place.server.url, viewport={"width": width, "height": 800})
    tab.open(f"{stream(run, 'text')}?view={view}", place.server.secret)
    assert tab.page.get_by_role("toolbar").evaluate(LINES) == lines
    tab.context.close()
