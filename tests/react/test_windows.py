"""Many windows of one origin in Chromium, over HTTP/1.1: six connections are enough for all."""

import re
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Protocol
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from tests import tools
from tests.browser.chromium import MILLISECONDS
from tests.faults.proxy import FaultProxy
from tests.react.building import PACKAGE, need_packages, tool_of
from tests.serve.process import ServerProcess
from tests.signing import issue_token

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.timeout(240)]

WINDOWS = 8
THREE = 3
STOP_MS = 2000
"""After how long Stop is answered at most, by the page's own clock."""

SOURCE = Path(__file__).parent / "windows" / "page.tsx"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    need_packages(PACKAGE)
    made = tmp_path_factory.mktemp("windows") / "page.js"
    options = ["--bundle", "--jsx=automatic", "--define:process.env.NODE_ENV='production'"]
    subprocess.run(
        [tool_of("esbuild"), str(SOURCE), f"--outfile={made}", *options],
        check=True,
        capture_output=True,
        env={"NODE_PATH": str(PACKAGE / "node_modules"), "PATH": str(tools.find("node").parent)},
    )
    return made.read_bytes()


@pytest.fixture(scope="module")
def pages(script: bytes) -> Iterator[str]:
    """Where the page is served, an origin of its own."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body><script>%b</script>" % script)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Pages) as serving:
        thread = Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def network(server: ServerProcess) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as network:
        yield network


LOCKS_THAT_WAIT = """
    const may = new Promise((resolve) => (globalThis.giveLocks = resolve));
    const request = LockManager.prototype.request;
    LockManager.prototype.request = async function (...given) {
        globalThis.wantsLocks = true;
        await may;
        return request.apply(this, given);
    };
"""
"""A window that has its locks late, as one does whose browser is busy."""


SANDBOXED = """() => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.sandbox = "allow-scripts";
    frame.src = location.href;
}"""
"""Shows the page once more in a frame whose origin is none."""


class Opening(Protocol):
    """What opens a window of a run, of two streams or all; a *script* runs before its own."""

    def __call__(self, run: str, token: str, *, all: bool = False, script: str = "") -> Page: ...


@pytest.fixture
def opening(context: BrowserContext, pages: str, network: FaultProxy) -> Opening:
    def open_(run: str, token: str, *, all: bool = False, script: str = "") -> Page:
        page = context.new_page()
        if script:
            page.add_init_script(script)
        asked = {"run": run, "token": token, "server": network.url, **({"all": 1} if all else {})}
        page.goto(f"{pages}?{urlencode(asked)}")
        return page

    return open_


def new_run() -> str:
    return f"run_{uuid4().hex[:12]}"


def token_for(server: ServerProcess, run: str) -> str:
    return issue_token(server.secret, [f"read:runs:{run}", f"stop:runs:{run}"], time.time())


def write(server: ServerProcess, run: str, *values: int) -> None:
    """Append the same to both streams of a run."""
    lines = "".join(f"{value}\n" for value in values)
    for key in ("answer", "log"):
        path = f"/realtime/v1/streams/{run}/self/{key}"
        server.http.post(path, content=lines).raise_for_status()


def expect_shown(page: Page | FrameLocator, count: int) -> None:
    """Wait until the window shows so many chunks of both streams, each once and in order."""
    for name in ("#answer", "#log"):
        numbers = " ".join(map(str, range(count)))
        expect(page.locator(name)).to_have_text(numbers, timeout=MILLISECONDS)


def stop(page: Page) -> int:
    """Ask the producer to stop; return after how many milliseconds the page had the answer."""
    button = page.get_by_role("button")
    button.click()
    expect(button).to_have_text(re.compile("answered"), timeout=MILLISECONDS)
    return int(re.findall(r"\d+", button.inner_text())[0])


def reads(network: FaultProxy, run: str) -> int:
    """Return how many event streams of the run were asked for."""
    asked = (seen.path for seen in network.requests() if seen.method == "POST")
    return sum(path.endswith(f"{run}/follow") for path in asked)


@pytest.mark.parametrize("runs", [1, WINDOWS], ids=["one-run", "a-run-each"])
def test_eight_windows_of_two_streams_are_live_and_stop_is_answered(
    opening: Opening, server: ServerProcess, runs: int
) -> None:
    names = [new_run() for _ in range(runs)]
    tokens = {run: token_for(server, run) for run in names}
    windows = [opening(run, tokens[run]) for run in names * (WINDOWS // runs)]
    for run in names:
        write(server, run, 0, 1)
    for window in windows:
        expect_shown(window, 2)
    assert stop(windows[-1]) < STOP_MS
    described = server.http.get(f"/api/v1/runs/{names[-1]}/streams/answer").json()
    assert described["stop"]
    for run in names:
        write(server, run, 2)
    for window in windows:
        expect_shown(window, 3)


def test_windows_of_one_run_read_it_once_and_another_goes_on_when_the_reader_goes(
    opening: Opening, server: ServerProcess, network: FaultProxy
) -> None:
    run = new_run()
    token = token_for(server, run)
    write(server, run, 0)
    windows = [opening(run, token) for _ in range(THREE)]
    for window in windows:
        expect_shown(window, 1)
    # One read, made again for each stream at most of a window that came later.
    assert reads(network, run) <= 1 + 2 * (len(windows) - 1)
    for count in range(1, len(windows)):
        write(server, run, count)
        for window in windows:
            expect_shown(window, count + 1)
        before = reads(network, run)
        windows.pop(0).close()
        while reads(network, run) == before:
            windows[0].wait_for_timeout(10)
    write(server, run, THREE)
    expect_shown(windows[0], THREE + 1)


def test_a_window_that_comes_late_has_everything_and_the_others_nothing_twice(
    opening: Opening, server: ServerProcess
) -> None:
    run = new_run()
    token = token_for(server, run)
    write(server, run, *range(5))
    first = opening(run, token)
    expect_shown(first, 5)
    late = opening(run, token)
    expect_shown(late, 5)
    write(server, run, 5)
    for window in (first, late):
        expect_shown(window, 6)


def test_a_network_that_breaks_loses_and_doubles_nothing_in_any_window(
    opening: Opening, server: ServerProcess, network: FaultProxy
) -> None:
    run = new_run()
    token = token_for(server, run)
    windows = [opening(run, token) for _ in range(3)]
    for count in range(6):
        write(server, run, count)
        if count % 2:
            network.reset("POST", f"{run}/follow")
    for window in windows:
        expect_shown(window, 6)


def test_a_window_that_comes_as_the_reader_ends_has_everything(
    opening: Opening, server: ServerProcess
) -> None:
    """The reader of before says for all to hear that the run is over, and does not know of it."""
    run = new_run()
    token = token_for(server, run)
    write(server, run, 0, 1)
    first = opening(run, token, all=True)
    expect_shown(first, 2)
    late = opening(run, token, all=True, script=LOCKS_THAT_WAIT)
    late.wait_for_function("globalThis.wantsLocks")
    server.http.post(f"/api/v1/runs/{run}/complete").raise_for_status()
    first.locator("[data-status=closed]").wait_for()
    late.evaluate("giveLocks()")
    late.locator("[data-status=closed]").wait_for()
    expect_shown(late, 2)


def test_a_page_in_a_sandbox_which_may_have_no_locks_reads_for_itself(
    opening: Opening, server: ServerProcess, network: FaultProxy
) -> None:
    run = new_run()
    write(server, run, 0)
    window = opening(run, token_for(server, run))
    expect_shown(window, 1)
    before = reads(network, run)
    window.evaluate(SANDBOXED)
    framed = window.frame_locator("iframe")
    expect_shown(framed, 1)
    write(server, run, 1)
    expect_shown(framed, 2)
    assert reads(network, run) > before
