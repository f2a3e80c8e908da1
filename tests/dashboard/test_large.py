"""200,000 chunks: only what is seen exists, and what is held is bounded."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")

MANY = 200_000
ELEMENTS = 1_500
"""Most elements of the page; a few dozen rows need a few hundred."""
HEAP_BYTES = 100 * 2**20
"""Most that its scripts hold; 200,000 short chunks take about 25 MiB."""


@pytest.mark.soak
def test_200_000_chunks_are_a_few_rows_and_a_bounded_heap(tab: Tab, place: Place, run: str) -> None:
    place.write(run, "out", *({"n": n, "text": "some words of a chunk"} for n in range(MANY)))
    tab.open(stream(run, "out"), place.server.secret)
    last = tab.page.locator(f"[data-index='{MANY - 1}']")
    expect(last).to_be_in_viewport()
    tab.page.keyboard.press("g")
    expect(tab.page.locator("[data-index='0']")).to_be_in_viewport()
    chunks = tab.page.get_by_role("region", name="Chunks")
    for part in (0.25, 0.5, 0.999):
        chunks.evaluate("(box, part) => { box.scrollTop = box.scrollHeight * part }", part)
        expect(tab.page.locator(f"[data-index='{round(MANY * part)}']")).to_be_in_viewport()
        assert tab.page.evaluate("document.querySelectorAll('*').length") < ELEMENTS
    tab.page.get_by_role("searchbox", name="Search chunks").fill('"n": 123456,')
    expect(tab.page.locator("output.matches")).to_have_text("1")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("[data-index='123456']")).to_be_in_viewport()
    place.write(run, "out", "live as ever", client="another")
    tab.page.get_by_role("button", name="Last chunk").click()
    expect(tab.page.get_by_text("live as ever")).to_be_in_viewport()
    assert heap(tab) < HEAP_BYTES


@pytest.mark.soak
def test_what_is_followed_for_long_lets_go_of_its_beginning(
    tab: Tab, place: Place, run: str
) -> None:
    """Five pages' worth, live: what is held stays as much as before."""
    held: list[int] = []
    for part in range(5):
        place.write(
            run, "out", *(f"chunk {n} of part {part}" for n in range(MANY)), client=f"{part}"
        )
        if not part:
            tab.open(stream(run, "out"), place.server.secret)
        last = tab.page.locator(f"[data-index='{MANY * (part + 1) - 1}']")
        expect(last).to_be_in_viewport()
        held.append(heap(tab))
    expect(tab.page.get_by_text("were let go")).to_be_visible()
    assert max(held) < HEAP_BYTES


def heap(tab: Tab) -> int:
    """Return the bytes that the page's scripts hold."""
    session = tab.context.new_cdp_session(tab.page)
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])
