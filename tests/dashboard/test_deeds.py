"""What can be done from the page: it is asked about first, and offered to whom it is allowed."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.dashboard.tab import Place, Tab, path, stream

pytestmark = pytest.mark.needs("chromium")


def actions(tab: Tab) -> Locator:
    return tab.page.get_by_text("Actions", exact=True)


def choose(tab: Tab, name: str) -> Locator:
    """Choose a deed in the menu, and return the dialog that asks."""
    actions(tab).click()
    tab.page.get_by_role("button", name=f"{name}…", exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def told(place: Place, target: str) -> Any:
    return place.server.http.get(f"/api/v1/runs/{target}").raise_for_status().json()


def is_there(place: Place, target: str) -> bool:
    return place.server.http.get(f"/api/v1/runs/{target}").status_code == 200


def test_a_producer_is_asked_to_stop(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Ask to stop")
    expect(dialog).to_contain_text("The stream stays open")
    assert told(place, f"{run}/streams/out")["stop"] is False
    dialog.get_by_role("button", name="Ask to stop").click()
    expect(tab.page.get_by_role("main").get_by_text("stop asked")).to_be_visible()
    assert told(place, f"{run}/streams/out")["stop"] is True
    expect(tab.page.locator("summary").filter(has_text="Actions")).to_be_focused()


def test_all_producers_of_a_run_are_asked_at_once(tab: Tab, place: Place, run: str) -> None:
    for key in ("one", "two", "over"):
        place.write(run, key, "x")
    place.close(run, "over")
    tab.open(f"#/runs/{run}", place.server.secret)
    dialog = choose(tab, "Ask to stop")
    expect(dialog).to_contain_text("2 streams of it are open")
    dialog.get_by_role("button", name="Ask to stop").click()
    expect(tab.page.get_by_role("main").get_by_text("stop asked")).to_have_count(2)


def test_a_stream_is_closed_with_a_reason(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Close")
    dialog.get_by_label("As").select_option("failed")
    dialog.get_by_label("Why").fill("it went in circles")
    dialog.get_by_role("button", name="Close the stream").click()
    expect(tab.page.get_by_role("main")).to_contain_text("it went in circles")
    closed = told(place, f"{run}/streams/out")["closed"]
    assert closed == {"status": "failed", "error": "it went in circles", "code": None}


def test_a_stream_is_deleted_and_one_is_led_to_its_run(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    place.write(run, "other", "x")
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Delete")
    expect(dialog).to_contain_text("Its 1 chunk (3 B) are gone")
    dialog.get_by_role("button", name="Delete the stream").click()
    expect(tab.page.get_by_role("rowheader", name="other")).to_be_visible()
    expect(tab.page.get_by_role("rowheader", name="out")).to_have_count(0)
    expect(tab.page.locator(".crumbs [aria-current]")).to_be_focused()
    assert not is_there(place, f"{run}/streams/out")


def test_a_run_is_completed_as_one_says(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    dialog = choose(tab, "Complete")
    expect(dialog).to_contain_text("Its 1 open stream is closed")
    dialog.get_by_label("As").select_option("canceled")
    dialog.get_by_role("button", name="Complete the run").click()
    expect(tab.page.get_by_role("main").get_by_text("canceled")).to_have_count(2)
    assert told(place, run)["status"] == "canceled"
    actions(tab).click()
    expect(tab.page.get_by_role("button", name="Complete…")).to_have_count(0)


def test_a_run_is_deleted_with_its_streams(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    choose(tab, "Delete").get_by_role("button", name="Delete the run").click()
    expect(tab.page.get_by_text("Choose a run to see its streams.")).to_be_visible()
    expect(tab.page.get_by_role("link", name=run)).to_have_count(0)
    assert not is_there(place, run)


@pytest.mark.parametrize("way", ["Escape", "Cancel"])
def test_nothing_is_done_by_whoever_thinks_again(
    tab: Tab, place: Place, run: str, way: str
) -> None:
    """By keyboard alone, and the focus is where it was."""
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    summary = tab.page.locator("summary").filter(has_text="Actions")
    summary.focus()
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name="Delete…").focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    if way == "Cancel":
        tab.page.get_by_role("button", name="Cancel").focus()
    tab.page.keyboard.press("Escape" if way == "Escape" else "Enter")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    expect(summary).to_be_focused()
    assert is_there(place, run)


def test_what_the_server_refuses_is_said_where_one_asked(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Close")
    place.close(run, "out", "failed")
    dialog.get_by_role("button", name="Close the stream").click()
    expect(dialog.get_by_role("alert")).to_contain_text("closed")
    expect(dialog.get_by_role("button", name="Close the stream")).to_be_enabled()


@pytest.mark.parametrize(
    ("scope", "offered"),
    [
        ("read:runs", None),
        ("stop:runs", ["Ask to stop…"]),
        ("write:runs", ["Ask to stop…", "Close…"]),
        ("manage:runs", ["Delete…"]),
    ],
)
def test_a_token_is_offered_what_it_may_do(
    tab: Tab, place: Place, run: str, scope: str, offered: list[str] | None
) -> None:
    place.write(run, "out", "x")
    tab.open(stream(run, "out"), place.token(f"read:runs:{run}", f"{scope}:{run}"))
    expect(tab.page.get_by_role("main").get_by_text("open", exact=True)).to_be_visible()
    if offered is None:
        expect(actions(tab)).to_have_count(0)
        return
    actions(tab).click()
    expect(tab.page.locator("[open] .items button")).to_have_text(offered)


def test_a_read_token_is_made_and_reads_that_run_and_nothing_else(
    tab: Tab, place: Place, run: str
) -> None:
    place.write(run, "out", "what there is to read")
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Make a read token")
    dialog.get_by_label("To read").select_option("run")
    dialog.get_by_label("Expires in").select_option("15 m")
    dialog.get_by_role("button", name="Make the token").click()
    expect(dialog).to_contain_text(f"read:runs:{run}")
    token = dialog.get_by_role("textbox", name="The token").input_value()
    headers = {"authorization": f"Bearer {token}"}
    answers = {
        target: place.server.http.request(method, target, headers=headers).status_code
        for method, target in (
            ("GET", f"/api/v1/runs/{run}/streams"),
            ("GET", "/api/v1/runs"),
            ("POST", path(run, "out", "stop")),
        )
    }
    assert list(answers.values()) == [200, 403, 403]
    tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    kept = "JSON.stringify([localStorage, sessionStorage, document.body.innerHTML])"
    assert token not in str(tab.page.evaluate(kept))
    assert not any(token in address for address in tab.asked)


def test_the_link_that_is_made_opens_the_stream_for_whoever_gets_it(
    tab: Tab, place: Place, run: str
) -> None:
    place.write(run, "out", "what there is to read")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(stream(run, "out"), place.server.secret)
    dialog = choose(tab, "Make a read token")
    dialog.get_by_role("button", name="Make the token").click()
    dialog.get_by_role("button", name="link").click()
    link: str = tab.page.evaluate("navigator.clipboard.readText()")
    other = tab.context.new_page()
    other.goto(link)
    expect(other.locator("[data-index='0']")).to_contain_text("what there is to read")
    expect(other.get_by_text("Actions", exact=True)).to_have_count(0)


def test_where_a_browser_does_not_sign_it_is_said_how_to_make_a_token(
    tab: Tab, place: Place, run: str
) -> None:
    """A page over plain HTTP from another machine may not."""
    place.write(run, "out", "x")
    tab.page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    tab.open(f"#/runs/{run}", place.server.secret)
    dialog = choose(tab, "Make a read token")
    expect(dialog.get_by_role("alert")).to_contain_text("runstreams token")
    expect(dialog.get_by_role("button", name="Make the token")).to_be_disabled()


def test_a_name_in_a_question_is_no_more_than_a_name(tab: Tab, place: Place, run: str) -> None:
    key = "<img src=x onerror=alert(1)>\u202etxt"
    place.write(run, key, "x")
    tab.open(stream(run, key), place.server.secret)
    dialog = choose(tab, "Delete")
    expect(dialog.get_by_role("heading")).to_have_text(
        "Delete “<img src=x onerror=alert(1)>[U+202E]txt”?"
    )
    expect(dialog.locator("img")).to_have_count(0)


def test_it_can_be_done_again_when_the_server_was_away(
    browser: Browser, place: Place, run: str
) -> None:
    tab = Tab(browser, place.server.url)
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.server.secret)
    dialog = choose(tab, "Complete")
    tab.page.route("**/complete", lambda route: route.abort())
    dialog.get_by_role("button", name="Complete the run").click()
    expect(dialog.get_by_role("alert")).to_contain_text("To do it again does no harm")
    tab.page.unroute("**/complete")
    dialog.get_by_role("button", name="Complete the run").click()
    expect(dialog).to_have_count(0)
    assert json.dumps(told(place, run)["status"]) == '"completed"'
    tab.context.close()
