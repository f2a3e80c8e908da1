"""Streams of bytes, which the open protocol has written: as text, as numbers, and as a file."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")

ELEMENTS = 1_500
"""Most elements of the page, however many bytes there are."""


def send(place: Place, run: str, key: str, kind: str, *bodies: bytes) -> str:
    """Write *bodies* to a stream of *kind*, and return its path."""
    path, headers = f"/v1/stream/{run}/{key}", {"Content-Type": kind}
    http = place.server.http
    http.put(path, headers=headers).raise_for_status()
    for body in bodies:
        http.post(path, content=body, headers=headers).raise_for_status()
    return path


def test_text_is_shown_as_text_and_followed_to_its_end(tab: Tab, place: Place, run: str) -> None:
    whole = "Grüße\nan alle\n".encode()
    path = send(place, run, "log", "text/plain; charset=utf-8", whole[:3], whole[3:])
    tab.open(stream(run, "log"), place.server.secret)
    sheet = tab.page.get_by_role("region", name="Bytes as text")
    expect(sheet).to_contain_text("Grüße\nan alle")
    place.server.http.post(path, content=b"live", headers={"Content-Type": "text/plain"})
    expect(sheet).to_contain_text("live")
    place.server.http.post(path, headers={"Stream-Closed": "true"}).raise_for_status()
    expect(tab.page.locator("[data-state=closed]")).to_be_visible()
    tab.page.get_by_role("button", name="Hex").click()
    numbers = tab.page.get_by_role("region", name="Bytes as numbers")
    expect(numbers).to_contain_text("00000000")
    expect(numbers).to_contain_text("47 72 c3 bc")


def test_what_is_no_text_is_shown_in_numbers_and_taken_along_as_it_is(
    tab: Tab, place: Place, run: str
) -> None:
    body = bytes(range(256)) * 10
    send(place, run, "out", "application/octet-stream", body)
    tab.open(stream(run, "out"), place.server.secret)
    numbers = tab.page.get_by_role("region", name="Bytes as numbers")
    row = numbers.locator(".hex > div", has_text="00000940")
    expect(row.locator("span").nth(0)).to_have_text("00000940")
    expect(row.locator("span").nth(2)).to_have_text("@ABCDEFGHIJKLMNO")
    with tab.page.expect_download() as begun:
        tab.page.get_by_role("button", name="Download").click()
    assert Path(begun.value.path()).read_bytes() == body


def test_a_run_that_is_named_by_the_protocol_is_found_as_well(tab: Tab, place: Place) -> None:
    place.server.http.put(
        "/v1/stream/a/b/c", content=b"nested", headers={"Content-Type": "text/plain"}
    ).raise_for_status()
    tab.open(stream("durable-streams", "a%2Fb%2Fc"), place.server.secret)
    expect(tab.page.get_by_role("region", name="Bytes as text")).to_contain_text("nested")


@pytest.mark.parametrize(
    "kind", [pytest.param("text/plain", marks=pytest.mark.soak), "application/octet-stream"]
)
def test_many_bytes_are_a_few_rows_and_their_end(
    tab: Tab, place: Place, run: str, kind: str
) -> None:
    line = b"some words of a line %08d, and more of them to make it longer\n"
    bodies = [b"".join(line % (at + part) for at in range(50_000)) for part in range(5)]
    send(place, run, "out", kind, *bodies, b"the very end")
    tab.open(stream(run, "out"), place.server.secret)
    sheet = tab.page.locator("#chunks")
    expect(sheet).to_contain_text("the very end")
    expect(tab.page.get_by_text("A download has everything")).to_be_visible()
    sheet.evaluate("(box) => { box.scrollTop = box.scrollHeight / 2 }")
    expect(sheet).to_be_visible()
    assert tab.page.evaluate("document.querySelectorAll('*').length") < ELEMENTS


def test_on_a_phone_nothing_is_wider_than_the_screen(
    browser: Browser, place: Place, run: str
) -> None:
    send(place, run, "out", "image/png", bytes(range(256)))
    tab = Tab(browser, place.server.url, viewport={"width": 375, "height": 640})
    tab.open(stream(run, "out"), place.server.secret)
    expect(tab.page.locator(".hex > div").nth(4)).to_contain_text("00000020")
    assert tab.overflow() == 0
    assert tab.page.locator("#chunks").evaluate("(box) => box.scrollWidth - box.clientWidth") == 0
    tab.check()
    tab.context.close()
