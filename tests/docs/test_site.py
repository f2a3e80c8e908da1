"""The site: every page has its place, and what is built can be read."""

import os
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests import tools
from tests.browser.chromium import MILLISECONDS
from tests.tools import ROOT

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
ELSEWHERE = re.compile(
    r"""<(?:script|link|img|source|iframe)\b[^>]*?(?:src|href|srcset)="?https?://"""
)
LOADED = re.compile(r"""(?:@import\s+|url\()["']?https?://""")

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def placed(nav: object) -> Iterator[str]:
    """Yield the pages that a part of the navigation names."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for part in nav.values():
            yield from placed(part)
    elif isinstance(nav, list):
        for part in nav:
            yield from placed(part)


def test_every_page_has_its_place_and_one_only() -> None:
    pages = [path.name for path in (ROOT / "docs").glob("*.md")]
    others = ["CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"]
    assert sorted(placed(CONFIG["nav"])) == sorted(pages + others)


def test_whatever_is_doubtful_ends_the_build() -> None:
    assert set(CONFIG["validation"].values()) == {"warn"}
    assert "mkdocs build --strict" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_a_page_begins_with_its_title_and_says_something_before_its_parts(path: Path) -> None:
    title, _, rest = path.read_text().partition("\n")
    assert title.startswith("# ")
    assert len(rest.partition("\n## ")[0].split()) >= 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does, elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    command = [str(tools.find("mkdocs")), "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.soak
@pytest.mark.needs("mkdocs")
def test_nothing_is_loaded_from_anybody_else(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert len(pages) > len(list((ROOT / "docs").glob("*.md")))
    assert [path.name for path in pages if ELSEWHERE.search(path.read_text())] == []
    assert [path.name for path in styles if LOADED.search(path.read_text())] == []


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *said: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, address: str, browser: Browser) -> Iterator[Page]:
    """A page of a browser of one size, which asks nobody else, and complains of nothing."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: note(asked.url, address, complaints))
    yield page
    context.close()
    assert complaints == []


def note(url: str, address: str, complaints: list[str]) -> None:
    """Complain of a request to anybody else."""
    if not url.startswith((address, "data:", "blob:")):
        complaints.append(url)


@pytest.mark.needs("mkdocs", "chromium")
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_no_page_is_wider_than_the_screen(site: Path, address: str, page: Page) -> None:
    wide = []
    for path in sorted(site.rglob("*.html")):
        page.goto(f"{address}/{path.relative_to(site)}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path.name)
    assert wide == []


@pytest.mark.needs("mkdocs", "chromium")
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_what_is_searched_for_is_found(address: str, page: Page) -> None:
    page.goto(f"{address}/index.html")
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Search").fill("take over")
    found = page.locator(".md-search-result__link").first
    expect(found).to_be_visible(timeout=MILLISECONDS)
