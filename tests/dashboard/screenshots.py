"""The pictures of the documents, taken from a running service: `scripts/screenshots`."""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, expect

from runstreams import Client
from tests.browser.chromium import launched
from tests.dashboard.png import shrink
from tests.dashboard.story import RUN, tell
from tests.dashboard.tab import Tab, stream
from tests.serve.process import ServerProcess
from tests.tools import ROOT

FOLDER = ROOT / "docs" / "images"

MOST_BYTES = 150_000
"""Of one picture: it is in the repository for ever."""

SCHEMES = ("light", "dark")

SCREEN: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 720},
    "device_scale_factor": 1.5,
}
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 640},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


class Camera:
    """Tabs in both themes that show the same."""

    def __init__(self, browser: Browser, server: ServerProcess, folder: Path) -> None:
        self._browser = browser
        self._server = server
        self._folder = folder
        self.taken: list[Path] = []

    @contextmanager
    def tabs(self, size: dict[str, Any]) -> Iterator[list[tuple[str, Tab]]]:
        """Open a tab in each theme, signed in."""
        tabs = [
            (scheme, Tab(self._browser, self._server.url, color_scheme=scheme, **size))
            for scheme in SCHEMES
        ]
        for _, tab in tabs:
            tab.open(token=self._server.secret)
        yield tabs
        for _, tab in tabs:
            tab.check()
            tab.context.close()

    def shoot(self, tab: Tab, name: str) -> None:
        """Take what *tab* shows."""
        tab.page.mouse.move(0, 0)
        path = self._folder / f"dashboard-{name}.png"
        tab.page.screenshot(path=path, animations="disabled")
        self.taken.append(path)


def go(tab: Tab, place: str) -> None:
    """Lead *tab* to a place in the page."""
    tab.page.evaluate("(place) => { location.hash = place }", place)


def take_answer(camera: Camera) -> None:
    """An answer in Markdown, while it is written."""
    with camera.tabs(SCREEN) as tabs:
        for _, tab in tabs:
            go(tab, stream(RUN, "answer") + "?view=markdown")
        for scheme, tab in tabs:
            tab.page.get_by_text("CREATE INDEX").wait_for()
            camera.shoot(tab, f"answer-{scheme}")


def take_rest(camera: Camera) -> None:
    """What there is to see afterwards: a run, a list, and both on a phone."""
    with camera.tabs(SCREEN) as tabs:
        for scheme, tab in tabs:
            go(tab, f"#/runs/{RUN}")
            expect(tab.page.get_by_role("rowheader", name="progress")).to_be_visible()
            camera.shoot(tab, f"run-{scheme}")
            go(tab, stream(RUN, "progress"))
            tab.page.locator("[data-index='7'] .line").click()
            tab.page.get_by_role("searchbox", name="Search chunks").fill("statement")
            expect(tab.page.locator("mark").first).to_be_visible()
            camera.shoot(tab, f"list-{scheme}")
    with camera.tabs(PHONE) as tabs:
        for scheme, tab in tabs:
            go(tab, stream(RUN, "log"))
            tab.page.locator("[data-index='239']").wait_for()
            camera.shoot(tab, f"phone-{scheme}")


def main() -> int:
    """Take them all; return 1 if one is too large."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="docs/images")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as data, ServerProcess(Path(data) / "data") as server:
        take(server, folder)
    large = [path.name for path in folder.glob("*.png") if path.stat().st_size > MOST_BYTES]
    if large:
        print(f"larger than {MOST_BYTES} bytes: {', '.join(large)}", file=sys.stderr)
    return bool(large)


def take(server: ServerProcess, folder: Path) -> None:
    """Tell the story to *server* and take the pictures of it."""

    def put(run: str, lineage: dict[str, str]) -> None:
        server.http.put(f"/api/v1/runs/{quote(run)}", json=lineage).raise_for_status()

    def done(run: str, status: str, error: str | None) -> None:
        ending = {"status": status, "error": error}
        server.http.post(f"/api/v1/runs/{quote(run)}/complete", json=ending).raise_for_status()

    with (
        Client(server.url, server.secret) as client,
        ThreadPoolExecutor(1) as pool,
        launched("--disable-lcd-text") as browser,
    ):
        camera = Camera(browser, server, folder)
        telling = pool.submit(tell, client, put, done, slowly=1)
        take_answer(camera)
        telling.result()
        take_rest(camera)
    for path in camera.taken:
        shrink(path)


if __name__ == "__main__":
    sys.exit(main())
