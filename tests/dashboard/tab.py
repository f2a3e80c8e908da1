"""The dashboard in a tab of a browser: what it shows, whom it asked, and what went wrong in it."""

import json
import time
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import MILLISECONDS, VISIBILITY
from tests.serve.process import ServerProcess
from tests.signing import issue_token

WATCH_POLICY = """
globalThis.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
    globalThis.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
"""Notes whatever the page tried that its policy does not allow."""


class Tab:
    """One tab, with a context of its own."""

    def __init__(self, browser: Browser, url: str, **looks: Any) -> None:
        """Show the dashboard at *url*, on a screen with *looks* of `Browser.new_context`."""
        looks = {"viewport": {"width": 1280, "height": 800}} | looks
        self.context: BrowserContext = browser.new_context(**looks)
        self.context.set_default_timeout(MILLISECONDS)
        self.context.add_init_script(WATCH_POLICY)
        self.url = url
        self.asked: list[str] = []
        """The addresses that were asked for, whoever asked."""
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.page: Page = self.context.new_page()

    def open(self, place: str = "#/", token: str | None = None) -> None:
        """Go to a *place* in the page, signed in with *token*."""
        if token is not None:
            place += f"{'&' if '?' in place else '?'}token={quote(token)}"
        self.page.goto(f"{self.url}/dashboard{place}")

    def sign_in(self, token: str) -> None:
        """Give *token* where the page asks for it."""
        self.page.get_by_label("Secret key or public token").fill(token)
        self.page.keyboard.press("Enter")

    def take_clock(self) -> None:
        """Let time go on in the page as it does, and also by leaps; before anything is opened."""
        self.page.clock.install()

    def leap(self) -> None:
        """Let a few seconds pass in the page, after which it asks again for what it shows."""
        self.page.clock.fast_forward(5000)

    def set_visibility(self, state: str) -> None:
        """Say that the page is hidden or visible: without a screen it never is hidden itself."""
        self.page.evaluate(VISIBILITY, state)

    def refused(self) -> list[str]:
        """Return what the page's policy has refused."""
        found: list[str] = self.page.evaluate("refused")
        return found

    def strangers(self) -> set[str]:
        """Return whom the page has asked beside the server; what it made itself is no stranger."""
        own = urlsplit(self.url).netloc
        places = {urlsplit(address) for address in self.asked}
        return {
            place.netloc or place.scheme
            for place in places
            if place.scheme not in ("blob", "data") and place.netloc != own
        }

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its screen."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width

    def check(self) -> None:
        """Check that nothing went wrong and that nobody else was asked."""
        wrong = (self.errors, self.refused(), self.strangers())
        assert wrong == ([], [], set()), wrong


class Place:
    """A server, and shorthands for what happens on it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    def write(self, run: str, key: str, *values: Any, client: str = "w") -> None:
        """Append *values*, of a client whose first ones they are."""
        self.write_lines(run, key, *map(json.dumps, values), client=client)

    def write_lines(self, run: str, key: str, *lines: str, client: str = "w") -> None:
        """Append chunks as they are to be stored."""
        body = "".join(line + "\n" for line in lines)
        self.post(path(run, "self", key), body, **{"X-Client-Id": client})

    def close(
        self, run: str, key: str, status: str = "completed", error: str | None = None
    ) -> None:
        self.post(path(run, key, "close"), json.dumps({"status": status, "error": error}))

    def register(self, run: str, parent: str | None = None) -> None:
        said = {"parent": parent}
        self.server.http.put(f"/api/v1/runs/{run}", json=said).raise_for_status()

    def complete(self, run: str, status: str = "completed") -> None:
        body = json.dumps({"status": status})
        self.post(f"/api/v1/runs/{quote(run, safe='')}/complete", body)

    def post(self, target: str, body: str, **headers: str) -> None:
        self.server.http.post(target, content=body, headers=headers).raise_for_status()

    def token(self, *scopes: str, lasts: float = 3600) -> str:
        """Return a public token that *lasts* so many seconds."""
        return issue_token(self.server.secret, list(scopes), time.time(), lasts)


def stream(run: str, key: str) -> str:
    """Return where the page shows a stream."""
    return f"#/runs/{quote(run, safe='')}/{quote(key, safe='')}"


def path(*names: str) -> str:
    """Return the path of a stream."""
    return "/realtime/v1/streams/" + "/".join(quote(name, safe="") for name in names)
