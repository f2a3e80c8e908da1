"""A server that is killed in the middle: the page comes back by itself, and nothing is lost."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.tab import Place, Tab, stream
from tests.serve.process import ServerProcess

pytestmark = pytest.mark.needs("chromium")


def test_a_killed_server_costs_no_chunk_and_doubles_none(
    browser: Browser, tmp_path: Path, run: str
) -> None:
    folder, written = tmp_path / "data", list[str]()

    def write(place: Place, client: str) -> None:
        values = [f"{client}-{number} " for number in range(100)]
        place.write(run, "out", *values, client=client)
        written.extend(values)

    server = ServerProcess(folder)
    tab = Tab(browser, server.url)
    try:
        write(Place(server), "before")
        tab.open(stream(run, "out") + "?view=text", server.secret)
        text = tab.page.get_by_role("region", name="Chunks as text")
        expect(text).to_contain_text("before-99")
        write(Place(server), "live")
        server.kill()
        expect(tab.page.get_by_role("alert").first).to_contain_text("cannot be reached")
        server.__exit__()
        server = ServerProcess(folder, port=server.port)
        write(Place(server), "after")
        expect(text).to_contain_text("after-99")
        assert (text.text_content() or "").split() == "".join(written).split()
        expect(tab.page.get_by_role("alert")).to_have_count(0)
        tab.page.get_by_role("button", name="List").click()
        expect(tab.page.locator(f"[data-index='{len(written) - 1}']")).to_contain_text("after-99")
        tab.check()
    finally:
        tab.context.close()
        server.__exit__()
