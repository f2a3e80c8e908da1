"""Chromium, as all tests of pages start it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests import tools

MILLISECONDS = 60_000
"""How long a page may take; a machine under load may be slow."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)
"""A browser that runs as root in a container and speaks to nobody but this machine."""

VISIBILITY = """(state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Says to a page that it is hidden or visible: without a screen it never is hidden itself."""


@contextmanager
def launched(*arguments: str) -> Iterator[Browser]:
    """Start Chromium, with *arguments* beside ours, for as long as the context lasts."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        executable = str(tools.find("chromium"))
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*ARGUMENTS, *arguments]
        )
        yield browser
        browser.close()
