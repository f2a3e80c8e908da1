"""A browser reads streams from a page of another origin, and sees what went wrong if it may not."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Error, Page

from tests.serve.process import ServerProcess

pytestmark = pytest.mark.needs("chromium")

PATH = "/realtime/v1/streams/run_1"

CLIENT_HEADERS = {
    "content-type": "application/json",
    "trigger-version": "4.8.3",
    "x-trigger-api-version": "2025-07-16",
    "x-trigger-client": "browser",
    "x-trigger-realtime-streams-version": "v2",
    "x-trigger-source": "sdk",
    "timeout-seconds": "1",
}
"""What the published client sends from a browser: none of it goes without a preflight."""

FETCH = """
async ([url, headers]) => {
    const answer = await fetch(url, {headers});
    return {
        status: answer.status,
        version: answer.headers.get("x-stream-version"),
        request: answer.headers.get("x-request-id"),
        body: await answer.text(),
    };
}
"""

FIRST_PIECE = """
async ([url, headers]) => {
    const answer = await fetch(url, {headers});
    window.attached = true;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    window.first = (await reader.read()).value;
    await reader.cancel();
}
"""


def token(server: ServerProcess, *scopes: str) -> str:
    """Return a public token as a server would give it to a browser."""
    claims = {"pub": True, "scopes": scopes, "exp": int(time.time()) + 60}
    return jwt.encode(claims, server.secret, "HS256")


def fetch(page: Page, server: ServerProcess, path: str, **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(FETCH, [server.url + path, CLIENT_HEADERS | headers])
    return answer


def bearer(credential: str) -> str:
    return f"Bearer {credential}"


@pytest.fixture(autouse=True)
def chunks(server: ServerProcess) -> None:
    """Two chunks to read, the same however many tests have run."""
    headers = {"X-Client-Id": "w"}
    body = '"one"\n{"two": 2}\n'
    server.http.post(f"{PATH}/self/k", headers=headers, content=body).raise_for_status()


def test_a_page_reads_json(page: Page, server: ServerProcess) -> None:
    key = token(server, "read:runs:run_1")
    answer = fetch(page, server, f"{PATH}/k", accept="application/json", authorization=bearer(key))
    assert answer["status"] == 200
    assert '"data":"one"' in answer["body"]
    assert '"data":{"two": 2}' in answer["body"]


def test_a_page_reads_an_event_stream_and_sees_its_version(
    page: Page, server: ServerProcess
) -> None:
    headers = {"accept": "text/event-stream", "last-event-id": "0"}
    key = token(server, "read:runs:run_1")
    answer = fetch(page, server, f"{PATH}/k", authorization=bearer(key), **headers)
    assert answer["status"] == 200
    assert answer["version"] == "v2"
    assert '"seq_num":0' not in answer["body"]
    assert '"seq_num":1' in answer["body"]


def test_a_page_gets_a_chunk_while_the_stream_is_open(page: Page, server: ServerProcess) -> None:
    headers = CLIENT_HEADERS | {
        "accept": "text/event-stream",
        "authorization": bearer(server.secret),
        "timeout-seconds": "600",
    }
    page.evaluate(f"(said) => {{ ({FIRST_PIECE})(said) }}", [f"{server.url}{PATH}/live", headers])
    page.wait_for_function("window.attached")
    server.http.post(f"{PATH}/self/live/append", content="now").raise_for_status()
    page.wait_for_function("window.first")
    assert '\\"data\\":\\"now\\"' in page.evaluate("window.first")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_page_sees_why_it_may_not_read(page: Page, server: ServerProcess, accept: str) -> None:
    wrong = fetch(page, server, f"{PATH}/k", accept=accept, authorization="Bearer wrong")
    assert (wrong["status"], "error" in wrong["body"]) == (401, True)
    other = token(server, "read:runs:run_2")
    refused = fetch(page, server, f"{PATH}/k", accept=accept, authorization=bearer(other))
    assert (refused["status"], "Unauthorized" in refused["body"]) == (403, True)
    assert refused["request"] in refused["body"]


def test_a_page_sees_that_a_route_is_unknown(page: Page, server: ServerProcess) -> None:
    answer = fetch(page, server, "/nowhere", authorization=bearer(server.secret))
    assert (answer["status"], '"not_found"' in answer["body"]) == (404, True)


def test_a_page_of_an_origin_that_is_not_allowed_sees_nothing(page: Page, tmp_path: Path) -> None:
    flags = ("--allowed-origins", "https://only.example")
    with ServerProcess(tmp_path / "data", *flags) as strict, pytest.raises(Error, match="fetch"):
        fetch(page, strict, f"{PATH}/k", authorization=bearer(strict.secret))
