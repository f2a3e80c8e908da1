"""A server that is newer than the SDK tells more, and one that is something else tells less."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest

from runstreams import Client, Closed, Retries
from runstreams.errors import Unexpected

MORE = {"mood": "sunny"}
CLOSED = {"status": "failed", "error": "why", **MORE}
STREAM = {
    "run": "run_1",
    "key": "words",
    "first_index": 0,
    "tail": 1,
    "bytes": 3,
    "created": 1,
    "updated": 2,
    "last_append": 2,
    "expires": 3,
    "closed": CLOSED,
    "stop": False,
    "writers": 1,
    **MORE,
}
RUN = {"id": "run_1", "created": 1, "expires": 2, "parent": None, "root": None, "completed": None}
CHUNK = {"index": 0, "data": "a", "id": "g-0", "timestamp": 2, **MORE}
ANSWERS = {
    "/api/v1/runs/run_1/streams/words": STREAM,
    "/api/v1/runs/run_1/streams/torn": {"run": "run_1"},
    "/api/v1/runs/run_1/streams/older": {**STREAM, "closed": {"status": "completed"}},
    "/api/v1/runs": {"runs": [{**RUN, **MORE}], "next": None, **MORE},
    "/realtime/v1/streams/run_1/words": {
        "chunks": [CHUNK],
        "next_index": 1,
        "tail": 1,
        "closed": CLOSED,
        **MORE,
    },
}


ELSEWHERE = "https://streams.example/api/v1/runs/run_1/streams/moved"


class _Newer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.startswith(("/api/v1/runs/run_1/streams/moved", "/realtime/v1/streams/run_2")):
            self.send_response(301)
            self.send_header("Location", ELSEWHERE)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        _, is_busy, seconds = path.partition("/busy ")
        body = json.dumps({} if is_busy else ANSWERS[path]).encode()
        self.send_response(503 if is_busy else 200)
        if is_busy:
            self.send_header("Retry-After", seconds)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def client() -> Iterator[Client]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Newer)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    address, once = f"http://127.0.0.1:{server.server_port}", Retries(attempts=1)
    with Client(address, "key", retries=once) as client:
        yield client
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_it_tells_beside_what_is_known_is_left_out(client: Client) -> None:
    assert client.streams.describe("run_1", "words").closed == Closed("failed", "why")
    assert [run.id for run in client.streams.runs()] == ["run_1"]
    assert list(client.streams.read("run_1", "words", strict=False)) == ["a"]


def test_what_is_missing_is_an_error_that_says_so(client: Client) -> None:
    with pytest.raises(Unexpected, match="the answer is no StreamInfo"):
        client.streams.describe("run_1", "torn")


def test_what_an_older_one_does_not_tell_is_as_if_nothing_were_known(client: Client) -> None:
    assert client.streams.describe("run_1", "older").closed == Closed("completed", None)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("9" * 100, 31_536_000),
        ("²", None),
        ("soon", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 31_536_000),
    ],
)
def test_whatever_it_says_of_the_time_to_wait_is_no_surprise(
    client: Client, told: str, seconds: int | None
) -> None:
    with pytest.raises(Unexpected) as caught:
        client.streams.describe("run_1", f"busy {told}")
    assert (caught.value.http_status, caught.value.retry_after) == (503, seconds)


@pytest.mark.parametrize(
    "ask",
    [lambda streams: streams.describe("run_1", "moved"), lambda streams: [*streams.read("run_2")]],
    ids=["describe", "read"],
)
def test_a_server_that_leads_elsewhere_is_not_followed_and_the_error_says_where(
    client: Client, ask: Callable[[Any], object]
) -> None:
    """It might be anybody's, and would be shown the key."""
    with pytest.raises(Unexpected, match=f"301 and leads to {ELSEWHERE}") as led:
        ask(client.streams)
    assert (led.value.http_status, led.value.location) == (301, ELSEWHERE)
