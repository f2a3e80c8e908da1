"""Who may look: the holder of the secret key, or of a public token, for what it allows."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.tab import Place, Tab

pytestmark = pytest.mark.needs("chromium")


def test_the_secret_key_opens_everything(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open()
    tab.sign_in(place.server.secret)
    expect(tab.page.get_by_role("link", name=run)).to_be_visible()


def test_a_wrong_key_is_refused_with_a_reason(tab: Tab, place: Place, run: str) -> None:
    tab.open()
    tab.sign_in("not-the-key")
    expect(tab.page.get_by_role("alert")).to_contain_text("key")
    place.write(run, "out", "x")
    tab.sign_in(place.server.secret)
    expect(tab.page.get_by_role("link", name=run)).to_be_visible()


def test_a_token_for_one_run_leads_straight_to_it(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open()
    tab.sign_in(place.token(f"read:runs:{run}"))
    expect(tab.page).to_have_url(re.compile(f"#/runs/{run}$"))
    expect(tab.page.get_by_role("rowheader", name="out")).to_be_visible()


def test_a_token_for_one_stream_leads_straight_to_it(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "the only thing there is")
    tab.open()
    tab.sign_in(place.token(f"read:streams:{run}/out"))
    expect(tab.page).to_have_url(re.compile(f"#/runs/{run}/out"))
    expect(tab.page.get_by_text("the only thing there is")).to_be_visible()


def test_a_token_that_lacks_a_scope_is_told_which(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    tab.open(f"#/runs/{run}", place.token("read:runs:another"))
    expect(tab.page.get_by_role("alert").first).to_contain_text(f"read:runs:{run}")


def test_a_token_that_has_expired_is_told_so(tab: Tab, place: Place, run: str) -> None:
    tab.open()
    tab.sign_in(place.token(f"read:runs:{run}", lasts=-60))
    expect(tab.page.get_by_role("alert")).to_contain_text("expired")


def test_a_token_is_kept_in_the_tab_and_in_no_address(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", "x")
    token = place.token(f"read:runs:{run}")
    tab.open(f"#/runs/{run}", token)
    expect(tab.page.get_by_role("rowheader", name="out")).to_be_visible()
    assert tab.page.url == f"{tab.url}/dashboard#/runs/{run}"
    assert token not in str(tab.page.evaluate("Object.entries(localStorage)"))
    tab.page.reload()
    expect(tab.page.get_by_role("rowheader", name="out")).to_be_visible()
    other = tab.context.new_page()
    other.goto(tab.page.url)
    expect(other.get_by_label("Secret key or public token")).to_be_visible()
    tab.page.get_by_role("button", name="Sign out").click()
    expect(tab.page.get_by_label("Secret key or public token")).to_be_visible()
    assert token not in str(tab.page.evaluate("Object.entries(sessionStorage)"))
    assert not any(token in address for address in tab.asked)
