"""Runs, newest first, and what is to be seen of one."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.tab import Place, Tab, path, stream

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
    columns = tab.page.get_by_role("columnheader").all_inner_texts()
    expect(rows["open"].locator("> *").nth(columns.index("Chunks"))).to_have_text("3")
    expect(rows["open"]).to_contain_text("open")
    expect(rows["done"]).to_contain_text("completed")
    expect(rows["broken"]).to_contain_text("the model gave up")
    expect(rows["stopped"]).to_contain_text("canceled")
    expect(rows["open"].locator("> *").nth(columns.index("Writers"))).to_have_text("3")
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


def test_the_runs_that_come_from_a_run_stand_on_its_page(tab: Tab, place: Place, run: str) -> None:
    place.register(run)
    for number in range(2):
        place.register(f"{run}-child-{number}", parent=run)
    place.register(f"{run}-stranger", parent=f"{run}-child-0")
    place.complete(f"{run}-child-0", "failed")
    tab.open(f"#/runs/{run}", place.server.secret)
    children = tab.page.get_by_role("region", name="Children")
    expect(children.get_by_role("listitem")).to_have_count(2)
    expect(children.get_by_role("listitem").last).to_contain_text("failed")
    children.get_by_role("link").first.click()
    expect(tab.page.get_by_role("heading", name=f"{run}-child-1")).to_be_visible()


def test_runs_of_one_state_are_listed(tab: Tab, place: Place, run: str) -> None:
    place.register(f"{run}-running")
    for status in ("completed", "failed", "canceled"):
        place.register(f"{run}-{status}")
        place.complete(f"{run}-{status}", status)
    tab.open(token=place.server.secret)
    listed = tab.page.get_by_role("link", name=run)
    expect(listed).to_have_count(4)
    for status in ("running", "completed", "failed", "canceled"):
        tab.page.get_by_label("State of the runs").select_option(status)
        expect(listed).to_have_count(1)
        expect(listed).to_contain_text(f"{run}-{status}")
        expect(listed).to_contain_text(status)
    tab.page.get_by_label("State of the runs").select_option("all states")
    expect(listed).to_have_count(4)


def test_a_lost_producer_is_said_in_plain_words(tab: Tab, place: Place, run: str) -> None:
    """Of a run, of a stream, and of a stream whose producer is still known to live."""
    lease = {"X-Client-Id": "c", "X-Lease-Seconds": "1"}
    place.server.http.put(f"/api/v1/runs/{run}", headers=lease).raise_for_status()
    place.post(path(run, "self", "gone"), "1\n", **lease)
    place.post(path(run, "self", "there"), "1\n", **lease | {"X-Lease-Seconds": "600"})
    tab.open(f"#/runs/{run}", place.server.secret)
    main = tab.page.get_by_role("main")
    expect(main.get_by_text("Its producer is lost: nothing was heard of it")).to_be_visible()
    expect(main.get_by_text("producer lost")).to_be_visible()
    expect(main.get_by_text("What it had written is kept")).to_be_visible()
    expect(main.get_by_text("sign of its producer due within 9 m")).to_be_visible()
    tab.page.get_by_label("State of the runs").select_option("lost")
    listed = tab.page.get_by_role("navigation", name="Runs").get_by_role("link", name=run)
    expect(listed).to_contain_text("lost")


def test_a_runs_streams_stand_on_one_timeline(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "first", "x")
    place.close(run, "first")
    place.write(run, "second", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    bars = tab.page.get_by_role("img", name="From")
    expect(bars).to_have_count(2)
    expect(bars.last).to_have_accessible_name(re.compile("^From .* to .*, and open$"))
    starts = [float(bar.get_attribute("x") or 0) for bar in tab.page.locator("rect.written").all()]
    assert starts == sorted(starts)


def test_a_run_without_streams_says_why(tab: Tab, place: Place, run: str) -> None:
    tab.open(f"#/runs/{run}", place.server.secret)
    main = tab.page.get_by_role("main")
    expect(main.get_by_role("heading", name="Nothing is known of this run yet")).to_be_visible()
    place.register(run)
    expect(main.get_by_role("heading", name="No streams yet")).to_be_visible()
    place.complete(run, "failed")
    expect(main.get_by_role("heading", name="Failed, without streams")).to_be_visible()
    tab.open(stream(run, "never"))
    expect(main.get_by_role("heading", name="There is no such stream")).to_be_visible()


def test_a_run_says_when_its_streams_expire_beside_itself(tab: Tab, place: Place, run: str) -> None:
    place.register(run)
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    facts = tab.page.get_by_role("main").locator(".facts")
    expect(facts).to_contain_text(re.compile(r"in 5[56] d\s*its streams in 2[78] d"))
