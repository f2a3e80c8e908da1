"""A stream's chunks: how they are shown, followed, found and taken along."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")

MANY = 300


def row(tab: Tab, index: int) -> Locator:
    """Return the row of a chunk in the list."""
    return tab.page.locator(f"[data-index='{index}']")


def look(tab: Tab, place: Place, run: str, *values: Any, at: str = "") -> None:
    """Write a stream, and show it."""
    place.write(run, "out", *values)
    tab.open(stream(run, "out") + at, place.server.secret)


def figure(tab: Tab, name: str) -> Locator:
    """Return one of the stream's numbers."""
    return tab.page.locator("dl.figures > div", has=tab.page.get_by_text(name, exact=True))


def test_the_same_chunks_are_a_list_a_text_and_markdown(tab: Tab, place: Place, run: str) -> None:
    look(tab, place, run, "## A hea", "ding\n\n", "with *emph", "asis*\n")
    expect(row(tab, 0)).to_contain_text("## A hea")
    expect(row(tab, 3)).to_contain_text("asis*")
    tab.page.keyboard.press("2")
    text = tab.page.get_by_role("region", name="Chunks as text")
    expect(text).to_have_text("## A heading\n\nwith *emphasis*\n", use_inner_text=False)
    tab.page.keyboard.press("3")
    expect(tab.page.get_by_role("heading", name="A heading")).to_be_visible()
    expect(tab.page.locator("em")).to_have_text("emphasis")
    assert "view=markdown" in tab.page.url
    place.write(run, "out", "\n\n1. *grown*\n", client="another")
    expect(tab.page.get_by_role("listitem").get_by_text("grown")).to_be_visible()
    tab.page.reload()
    expect(tab.page.get_by_role("heading", name="A heading")).to_be_visible()
    tab.page.get_by_role("button", name="List").click()
    expect(row(tab, 3)).to_be_visible()


def test_what_no_longer_counts_is_struck_through_and_left_out_of_the_text(
    tab: Tab, place: Place, run: str
) -> None:
    look(tab, place, run, "As", " it", " was")
    expect(row(tab, 2)).to_contain_text("was")
    tab.page.keyboard.press("2")
    text = tab.page.get_by_role("region", name="Chunks as text")
    expect(text).to_have_text("As it was", use_inner_text=False)
    place.post(f"/realtime/v1/streams/{run}/out/take-over", "")
    anew = f"/realtime/v1/streams/{run}/self/out"
    place.post(anew, '" it is"\n', **{"X-Stream-Supersedes": "1"})
    expect(text).to_have_text("As it is", use_inner_text=False)
    tab.page.keyboard.press("1")
    expect(row(tab, 1)).to_have_class(re.compile("superseded"))
    expect(row(tab, 3)).not_to_have_class(re.compile("superseded"))
    expect(tab.page.locator(".head .tag")).to_have_text(["taken over", "2 superseded"])


def test_it_follows_what_comes_until_one_scrolls_up(tab: Tab, place: Place, run: str) -> None:
    look(tab, place, run, *range(MANY))
    expect(row(tab, MANY - 1)).to_be_in_viewport()
    place.write(run, "out", "one more", client="another")
    expect(row(tab, MANY)).to_be_in_viewport()
    row(tab, MANY).hover()
    tab.page.mouse.wheel(0, -2000)
    expect(row(tab, MANY)).not_to_be_in_viewport()
    place.write(run, "out", "and", "two", client="more")
    news = tab.page.get_by_role("button", name="2 new")
    expect(news).to_be_visible()
    expect(row(tab, MANY + 2)).not_to_be_in_viewport()
    news.click()
    expect(row(tab, MANY + 2)).to_be_in_viewport()
    expect(news).to_be_hidden()


def test_one_jumps_to_an_index_to_the_first_and_to_the_last(
    tab: Tab, place: Place, run: str
) -> None:
    look(tab, place, run, *range(MANY))
    expect(row(tab, MANY - 1)).to_be_in_viewport()
    index = tab.page.get_by_label("Go to index")
    index.fill("150")
    index.press("Enter")
    expect(row(tab, 150)).to_be_in_viewport()
    expect(row(tab, MANY - 1)).not_to_be_in_viewport()
    tab.page.get_by_role("button", name="First chunk").click()
    expect(row(tab, 0)).to_be_in_viewport()
    tab.page.get_by_role("button", name="Last chunk").click()
    expect(row(tab, MANY - 1)).to_be_in_viewport()


def test_a_link_opens_the_same_stream_at_the_same_index(tab: Tab, place: Place, run: str) -> None:
    look(tab, place, run, *range(MANY), at="?at=150")
    expect(row(tab, 150)).to_be_in_viewport()
    assert not any(f"start={start}" in each for each in tab.asked for start in range(2, 150))
    tab.page.get_by_role("button", name="150 earlier").click()
    tab.page.get_by_role("button", name="First chunk").click()
    expect(row(tab, 0)).to_be_in_viewport()
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row(tab, 7).locator(".line").click()
    row(tab, 7).get_by_role("button", name="Copy link").click()
    link = taken(tab)
    tab.page.goto("about:blank")
    tab.page.goto(link)
    expect(row(tab, 7)).to_be_in_viewport()
    expect(row(tab, 0)).to_have_count(0)


def taken(tab: Tab) -> str:
    """Return what was copied."""
    expect(tab.page.get_by_role("status")).to_contain_text("Copied")
    text: str = tab.page.evaluate("navigator.clipboard.readText()")
    return text


def test_chunks_are_searched_and_filtered(tab: Tab, place: Place, run: str) -> None:
    look(
        tab,
        place,
        run,
        *({"n": n, "what": "needle" if n % 100 == 50 else "hay"} for n in range(MANY)),
    )
    expect(row(tab, MANY - 1)).to_be_in_viewport()
    tab.page.keyboard.press("/")
    search = tab.page.get_by_role("searchbox", name="Search chunks")
    expect(search).to_be_focused()
    search.fill("NEEDLE")
    expect(tab.page.locator("output.matches")).to_have_text("none")
    search.fill("needle")
    expect(tab.page.locator("output.matches")).to_have_text("3")
    search.press("Enter")
    search.press("Enter")
    expect(tab.page.locator("output.matches")).to_contain_text("of 3")
    expect(tab.page.locator("mark").first).to_have_text("needle")
    tab.page.get_by_role("button", name="Only what matches").click()
    expect(tab.page.locator("[data-index]")).to_have_count(3)
    place.write(run, "out", "hay", "another needle", client="another")
    expect(tab.page.locator("[data-index]")).to_have_count(4)
    search.fill("nowhere")
    expect(tab.page.get_by_text("None of 302 chunks matches")).to_be_visible()
    search.press("Escape")
    expect(tab.page.locator("[data-index]").nth(10)).to_be_visible()


def test_a_pause_misses_nothing(tab: Tab, place: Place, run: str) -> None:
    tab.take_clock()
    look(tab, place, run, "before")
    expect(row(tab, 0)).to_be_visible()
    tab.page.get_by_role("button", name="Pause").click()
    expect(tab.page.locator("[data-state=paused]")).to_be_visible()
    place.write(run, "out", "meanwhile", client="another")
    tab.leap()
    expect(figure(tab, "Chunks")).to_contain_text("2")
    expect(row(tab, 1)).to_have_count(0)
    tab.page.get_by_role("button", name="Go on").click()
    expect(row(tab, 1)).to_contain_text("meanwhile")
    expect(tab.page.locator("[data-index]")).to_have_count(2)


def test_chunks_are_copied_and_downloaded(tab: Tab, place: Place, run: str) -> None:
    values = ["some ", {"a": [1, 2.5, None]}, "text\n", "Grüße 🙂"]
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    look(tab, place, run, *values)
    row(tab, 1).locator(".line").click()
    row(tab, 1).get_by_role("button", name="Copy chunk 1").click()
    assert json.loads(taken(tab)) == values[1]
    menu = tab.page.get_by_title("Copy or download")
    menu.click()
    tab.page.get_by_role("button", name="Copy 4 chunks").click()
    expect(tab.page.get_by_role("status")).to_contain_text("4 chunks")
    assert taken(tab).startswith("some ")
    menu.click()
    with tab.page.expect_download() as lines:
        tab.page.get_by_role("button", name="Download all as JSON lines").click()
    assert lines.value.path().read_text().splitlines() == list(map(json.dumps, values))
    assert lines.value.suggested_filename == f"{run}-out.jsonl"
    menu.click()
    with tab.page.expect_download() as text:
        tab.page.get_by_role("button", name="Download all as text").click()
    assert "text\nGrüße 🙂" in text.value.path().read_text()


def test_what_was_written_is_shown_copied_and_downloaded_letter_by_letter(
    tab: Tab, place: Place, run: str
) -> None:
    exact = '{"id":1610521604143693812,"x":1.0,"2":0,"1":0}'
    lines = [exact, f'[{exact}, 1e2,\t-0, "\\u00fc" ]', '"caf\\u00e9"']
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    place.write_lines(run, "out", *lines)
    tab.open(stream(run, "out"), place.server.secret)
    expect(row(tab, 0).locator(".value")).to_have_text(exact)
    row(tab, 0).locator(".line").click()
    row(tab, 0).get_by_role("button", name="Copy chunk 0").click()
    assert taken(tab) == exact
    expect(row(tab, 0).locator(".member")).to_have_text(["id", "x", "2", "1"])
    expect(row(tab, 0).locator(".leaf")).to_have_text(["1610521604143693812", "1.0", "0", "0"])
    tab.page.keyboard.press("2")
    expect(tab.page.get_by_role("region", name="Chunks as text")).to_contain_text(exact)
    tab.page.get_by_title("Copy or download").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Download all as JSON lines").click()
    assert download.value.path().read_text() == "".join(line + "\n" for line in lines)


def test_objects_fold_and_long_values_wrap(tab: Tab, place: Place, run: str) -> None:
    words = "word " * 400
    look(tab, place, run, {"outer": {"inner": ["leaf", True]}, "n": 1}, words)
    first = row(tab, 0)
    first.get_by_role("button", name="Chunk 0", exact=True).click()
    member = first.get_by_role("button", name="outer")
    expect(member).to_be_visible()
    inner = first.locator(".tree").get_by_text("inner", exact=True)
    expect(member).to_have_attribute("aria-expanded", "true")
    expect(inner).to_be_visible()
    member.click()
    expect(member).to_have_attribute("aria-expanded", "false")
    expect(inner).to_have_count(0)
    first.get_by_role("button", name="Chunk 0", exact=True).click()
    expect(first.locator(".tree")).to_have_count(0)
    row(tab, 1).locator(".line").click()
    expect(row(tab, 1).locator("pre")).to_have_text(words, use_inner_text=False)
    assert tab.overflow() <= 0


def test_everything_can_be_done_by_keys(tab: Tab, place: Place, run: str) -> None:
    look(tab, place, run, *({"n": number} for number in range(MANY)))
    expect(row(tab, MANY - 1)).to_be_in_viewport()
    press = tab.page.keyboard.press
    press("g")
    expect(row(tab, 0)).to_be_in_viewport()
    press("j")
    press("j")
    press("ArrowDown")
    press("k")
    chosen = tab.page.locator("[data-index][aria-selected=true]")
    expect(chosen).to_have_attribute("data-index", "1")
    press("Enter")
    expect(chosen.locator(".tree")).to_be_visible()
    press("Escape")
    expect(tab.page.locator(".tree")).to_have_count(0)
    press("G")
    expect(row(tab, MANY - 1)).to_be_in_viewport()
    follow = tab.page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    press("f")
    expect(follow).to_have_attribute("aria-pressed", "false")
    press("Space")
    expect(tab.page.locator("[data-state=paused]")).to_be_visible()
    press("Space")
    expect(tab.page.locator("[data-state=live], [data-state=waiting]")).to_be_visible()
    press("?")
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    press("2")
    expect(tab.page.get_by_role("region", name="Chunks as text")).to_be_visible()
    press("1")
    press("/")
    expect(tab.page.get_by_role("searchbox", name="Search chunks")).to_be_focused()


def test_a_stream_is_told_in_numbers(tab: Tab, place: Place, run: str) -> None:
    look(tab, place, run, *("x" * 96 for _ in range(10)))
    expect(figure(tab, "Chunks")).to_contain_text("10")
    expect(figure(tab, "Size")).to_contain_text("980 B")
    expect(figure(tab, "Writers")).to_contain_text("1")
    expect(figure(tab, "First chunk")).to_contain_text("after")
    expect(figure(tab, "Between chunks")).to_contain_text("median")
    chart = tab.page.get_by_role("img", name=re.compile("10 chunks in 60 seconds"))
    expect(chart).to_be_visible()


def test_what_is_not_there_yet_is_waited_for_and_its_end_is_shown(
    tab: Tab, place: Place, run: str
) -> None:
    tab.take_clock()
    tab.open(stream(run, "later"), place.server.secret)
    expect(tab.page.get_by_text("Nothing yet, waiting")).to_be_visible()
    place.write(run, "later", "now")
    expect(row(tab, 0)).to_contain_text("now")
    expect(tab.page.locator("[data-state=live]")).to_be_visible()
    place.close(run, "later", "failed", "the model gave up")
    expect(tab.page.locator("[data-state=closed]")).to_be_visible()
    tab.leap()
    expect(tab.page.get_by_text("the model gave up")).to_be_visible()
