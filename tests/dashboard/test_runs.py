"""Runs, newest first, and what is to be seen of one."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")


def test_runs_stand_newest_first_and_new_ones_come_by_themselves(
    tab: Tab, place: Place, run: str
) -> None:
    runs = [f"{run}-{number}" for number in range(3)]
    for each in runs:
        place.write(each, "out", "x")
    tab.take_clock()
    tab.open(token=place.server.secret)
    listed = tab.page.get_by_role("link", name=run)
    expect(listed).to_have_count(3)
    assert [each in text for each, text in zip(runs[::-1], listed.all_inner_texts(), strict=True)]
    place.write(f"{run}-3", "out", "x")
    tab.leap()
    expect(listed.first).to_contain_text(f"{run}-3")


def test_a_run_is_found_by_a_part_of_its_name(tab: Tab, place: Place, run: str) -> None:
    for name in ("needle", "straw", "hay"):
        place.write(f"{run}-{name}", "out", "x")
    tab.open(token=place.server.secret)
    expect(tab.page.get_by_role("link", name=run)).to_have_count(3)
    search = tab.page.get_by_role("searchbox", name="Search runs")
    search.fill(f"{run}-nee")
    expect(tab.page.get_by_role("link", name=run)).to_have_count(2)  # with the one to open it
    search.fill(f"{run}-nowhere")
    tab.page.get_by_role("link", name="Open the run").click()
    expect(tab.page.get_by_text("Nothing is known of this run yet")).to_be_visible()


def test_a_runs_streams_are_described_and_stay_up_to_date(tab: Tab, place: Place, run: str) -> None:
    for number, client in enumerate(("one", "two", "three")):
        place.write(run, "open", number, client=client)
    for key, status, error in (
        ("done", "completed", None),
        ("broken", "failed", "the model gave up"),
        ("stopped", "canceled", None),
    ):
        place.write(run, key, "x" * 1000)
        place.close(run, key, status, error)
    tab.take_clock()
    tab.open(f"#/runs/{run}", place.server.secret)
    rows = {
        key: tab.page.get_by_role("row").filter(has=tab.page.get_by_role("link", name=key))
        for key in ("open", "done", "broken", "stopped", "late")
    }
    expect(rows["open"].get_by_role("cell").nth(1)).to_have_text("3")
    expect(rows["open"]).to_contain_text("open")
    expect(rows["done"]).to_contain_text("completed")
    expect(rows["broken"]).to_contain_text("the model gave up")
    expect(rows["stopped"]).to_contain_text("canceled")
    writers = tab.page.get_by_role("columnheader").all_inner_texts().index("Writers")
    expect(rows["open"].locator("> *").nth(writers)).to_have_text("3")
    place.write(run, "late", "x")
    tab.leap()
    expect(rows["late"]).to_be_visible()
    place.complete(run)
    tab.leap()
    expect(rows["open"]).to_contain_text("completed")
    expect(tab.page.get_by_role("main").get_by_text("running")).to_have_count(0)


def test_a_run_leads_to_the_runs_it_comes_from(tab: Tab, place: Place, run: str) -> None:
    place.register(f"{run}-root")
    place.register(f"{run}-parent", parent=f"{run}-root")
    place.register(f"{run}-child", parent=f"{run}-parent")
    tab.open(f"#/runs/{run}-child", place.server.secret)
    main = tab.page.get_by_role("main")
    expect(main.get_by_role("link", name=f"{run}-root")).to_be_visible()
    main.get_by_role("link", name=f"{run}-parent").click()
    expect(main.get_by_role("heading", name=f"{run}-parent")).to_be_visible()


def test_a_page_that_nobody_sees_asks_for_nothing_and_then_catches_up(
    tab: Tab, place: Place, run: str
) -> None:
    place.write(run, "out", "seen")
    tab.take_clock()
    tab.open(stream(run, "out"), place.server.secret)
    expect(tab.page.locator("[data-index='0']")).to_be_visible()
    tab.set_visibility("hidden")
    expect(tab.page.locator("[data-state=waiting]")).to_be_visible()
    asked = len(tab.asked)
    place.write(run, "out", "missed", client="another")
    for _ in range(5):
        tab.leap()
    assert tab.asked[asked:] == []
    tab.set_visibility("visible")
    expect(tab.page.locator("[data-index='1']")).to_contain_text("missed")
