"""A step of an answer that is begun anew, in `useChat` in Chromium, with two majors of `ai`."""

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page

from tests import tools
from tests.react.building import CHAT_PACKAGE, PACKAGE, build, tool_of
from tests.serve.process import ServerProcess

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.timeout(240)]

SOURCE = Path(__file__).parent / "pages" / "page.tsx"

SIX = ("--alias:ai=ai-6", "--alias:@ai-sdk/react=@ai-sdk/react-3")

ANEW = "The answer was begun anew; reconnect to see it."

Chunk = dict[str, Any]

STEP: Chunk = {"type": "start-step"}
FIRST: list[Chunk] = [
    {"type": "start", "messageId": "answer"},
    STEP,
    {"type": "text-start", "id": "a"},
    {"type": "text-delta", "id": "a", "delta": "I looked it up. "},
    {"type": "text-end", "id": "a"},
    {"type": "finish-step"},
]
SECOND: list[Chunk] = [STEP, {"type": "text-start", "id": "b"}]
END: list[Chunk] = [{"type": "text-end", "id": "b"}, {"type": "finish-step"}, {"type": "finish"}]


def words(*texts: str) -> list[Chunk]:
    return [{"type": "text-delta", "id": "b", "delta": text} for text in texts]


class Answer:
    """The stream of an answer."""

    def __init__(self, server: ServerProcess) -> None:
        self._http = server.http
        self.run = f"run_{uuid4().hex[:12]}"
        self.place = {"run": self.run, "token": server.secret, "baseURL": server.url}

    def append(self, *chunks: Chunk, supersedes: int | None = None) -> None:
        headers = {} if supersedes is None else {"X-Stream-Supersedes": str(supersedes)}
        lines = "".join(f"{json.dumps(chunk)}\n" for chunk in chunks)
        path = f"/realtime/v1/streams/{self.run}/self/default"
        self._http.post(path, content=lines, headers=headers).raise_for_status()

    def close(self) -> None:
        path = f"/realtime/v1/streams/{self.run}/default/close"
        self._http.post(path, json={"status": "completed", "error": None}).raise_for_status()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("rollback") / "data") as server:
        yield server


@pytest.fixture
def answer(server: ServerProcess) -> Answer:
    return Answer(server)


@pytest.fixture
def page(
    context: BrowserContext, answer: Answer, options: tuple[str, ...], tmp_path: Path
) -> Iterator[Page]:
    """A page, bundled with *options*, whose endpoint says where the answer is."""
    build(PACKAGE)
    script = bundled(tmp_path / "page.js", *options)

    class Backend(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/api/"):
                self._send("application/json", json.dumps(answer.place).encode())
            else:
                self._send(
                    "text/html; charset=utf-8", b"<!doctype html><body><script>%b</script>" % script
                )

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as serving:
        thread = Thread(target=serving.serve_forever)
        thread.start()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{serving.server_port}/")
        yield page
        serving.shutdown()
        thread.join()


def bundled(made: Path, *options: str) -> bytes:
    modules = str(CHAT_PACKAGE / "node_modules")
    subprocess.run(
        [
            tool_of("esbuild", CHAT_PACKAGE),
            str(SOURCE),
            f"--outfile={made}",
            "--bundle",
            "--jsx=automatic",
            "--define:process.env.NODE_ENV='production'",
            *options,
        ],
        check=True,
        capture_output=True,
        env={"NODE_PATH": modules, "PATH": str(tools.find("node").parent)},
    )
    return made.read_bytes().replace(b"</script", b"<\\/script")


def until_shown(page: Page, text: str) -> None:
    page.wait_for_function("text => seen.at(-1) === text", arg=text)


def seen(page: Page) -> list[str]:
    """Return all that was ever to be seen of the answer, in this order."""
    texts: list[str] = page.evaluate("seen")
    return texts


@pytest.mark.parametrize("options", [()], ids=["ai-7"])
def test_a_step_that_is_begun_anew_takes_the_place_of_the_old_one_and_nothing_flashes(
    page: Page, answer: Answer
) -> None:
    answer.append(*FIRST, *SECOND, *words("It", " was"))
    until_shown(page, "I looked it up. It was")
    before = seen(page)
    answer.append(*words(" is"), supersedes=len(FIRST + SECOND) + 1)
    until_shown(page, "I looked it up. It is")
    answer.append(*SECOND, *words("So", " be it"), *END, supersedes=len(FIRST))
    answer.close()
    page.locator("[data-status=ready]").wait_for()
    assert seen(page) == [*before, "I looked it up. It is", "I looked it up. So be it"]
    page.reload()
    until_shown(page, "I looked it up. So be it")


@pytest.mark.parametrize("options", [SIX], ids=["ai-6"])
def test_before_ai_7_the_page_says_to_reconnect_and_a_reload_shows_the_answer(
    page: Page, answer: Answer
) -> None:
    answer.append(*FIRST, *SECOND, *words("It", " was"))
    until_shown(page, "I looked it up. It was")
    answer.append(*words(" is"), *END, supersedes=len(FIRST + SECOND) + 1)
    answer.close()
    page.locator(f"[data-error='{ANEW}']").wait_for()
    page.reload()
    until_shown(page, "I looked it up. It is")
