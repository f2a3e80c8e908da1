"""`functions/stream` through its own start script: everything at one address, and event streams
that are broken at the function's deadline instead of ended.
"""

import json
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.emulators.place import fresh_place
from tests.functions.handlers import ENVIRONMENT
from tests.functions.stream_door import StreamDoor

SECRET = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
AS_EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def door(quick_aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamDoor]:
    place = fresh_place(quick_aws_endpoint)
    settings = {**place.environment(), "RUNSTREAMS_SECRET_KEY": SECRET}
    with StreamDoor(settings, tmp_path_factory.mktemp("door") / "log").open() as found:
        yield found


@pytest.fixture
def http(door: StreamDoor) -> Iterator[httpx.Client]:
    door.seconds = 29
    door.ends.clear()
    headers = {"Authorization": f"Bearer {SECRET}"}
    with httpx.Client(base_url=door.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def stream() -> str:
    return f"/realtime/v1/streams/run_{uuid4().hex}/tokens"


def _write(http: httpx.Client, stream: str, *chunks: str) -> httpx.Response:
    run, key = stream.rsplit("/", 1)
    body = "".join(f"{json.dumps(chunk)}\n" for chunk in chunks)
    return http.post(f"{run}/self/{key}", content=body)


def _data(events: str) -> list[str]:
    """Return the chunks in an event stream."""
    bodies = [line.removeprefix("data: ") for line in events.splitlines() if "records" in line]
    records = [record for body in bodies for record in json.loads(body)["records"]]
    return [json.loads(record["body"])["data"] for record in records]


def test_one_address_writes_reads_follows_and_manages(http: httpx.Client, stream: str) -> None:
    run = stream.split("/")[4]
    assert _write(http, stream, "Hello", "wörld").status_code == 200
    page = http.get(stream, params={"wait": "0"}).json()
    assert [chunk["data"] for chunk in page["chunks"]] == ["Hello", "wörld"]
    assert http.post(f"{stream}/close").status_code == 200
    followed = http.get(stream, headers=AS_EVENTS)
    assert followed.headers["x-stream-version"] == "v2"
    assert _data(followed.text) == ["Hello", "wörld"]
    assert followed.text.endswith("data: [DONE]\n\n")
    [described] = http.get(f"/api/v1/runs/{run}/streams").json()["streams"]
    assert described["tail"] == 2


def test_the_dashboard_is_at_that_address_too_and_not_sent_twice(http: httpx.Client) -> None:
    page = http.get("/dashboard")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    again = http.get("/dashboard", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    led = http.get("/dashboard/", follow_redirects=True)
    assert (led.status_code, led.url.path) == (200, "/dashboard")


def test_an_event_stream_is_broken_before_the_deadline_and_goes_on_where_it_was(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    """A published client takes a clean end for the end of the stream."""
    _write(http, stream, "Hello")
    door.seconds = 3
    door.ends.clear()
    pieces: list[str] = []
    with (
        http.stream("GET", stream, headers=AS_EVENTS) as answer,
        pytest.raises(httpx.TransportError),
    ):
        pieces.extend(answer.iter_text())
    got = "".join(pieces)
    assert (door.ends, _data(got), "[DONE]" in got) == (["broken"], ["Hello"], False)
    _write(http, stream, "wörld")
    http.post(f"{stream}/close")
    door.seconds = 29
    rest = http.get(stream, headers={**AS_EVENTS, "Last-Event-ID": "0"})
    assert _data(rest.text) == ["wörld"]


def test_silence_ends_an_event_stream_cleanly_when_there_is_time(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    answer = http.get(stream, headers={**AS_EVENTS, "Timeout-Seconds": "1"})
    assert answer.text.endswith("data: [DONE]\n\n")
    assert door.ends == ["clean"]


def test_a_long_poll_ends_cleanly_before_the_deadline(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    door.seconds = 3
    page = http.get(stream, params={"wait": "25"})
    assert (page.json()["chunks"], door.ends) == ([], ["clean"])


def test_its_log_tells_each_request_with_its_id_and_no_chunk_and_no_key(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    door.log.write_text("")
    answer = _write(http, stream, "nobody's business")
    assert answer.headers["x-request-id"] == "gateway-1"
    said = door.log.read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    [access] = [line for line in lines if "message" in line]
    assert access["correlation_id"] == "invocation-1"
    assert access["run"] == stream.split("/")[4]
    [measured] = [line for line in lines if "Requests" in line]
    assert (measured["Chunks"], measured["Failures"]) == ([1], [0])
    assert measured["service"] == "stream"
    assert "nobody" not in said
    assert SECRET not in said
