"""`functions/stream` through its own start script, behind both doors: everything at one address,
and event streams that say so when they end too early.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from runstreams import Client
from runstreams.core.limits import KIB
from tests.emulators.place import Place, fresh_place
from tests.functions.handlers import ENVIRONMENT
from tests.functions.stream_door import DOORS, StreamDoor

SECRET = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]
AS_EVENTS = {"Accept": "text/event-stream"}
BROKEN_OFF = "event: error\ndata: go on behind the last event\n\n"


@pytest.fixture(scope="module")
def place(quick_aws_endpoint: str) -> Place:
    return fresh_place(quick_aws_endpoint)


@pytest.fixture(scope="module", params=DOORS)
def door(
    request: pytest.FixtureRequest, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StreamDoor]:
    settings = {**place.environment(), "RUNSTREAMS_SECRET_KEY": SECRET}
    with request.param(settings, tmp_path_factory.mktemp("door") / "log").open() as found:
        found.environments.prepare(3)
        yield found


@pytest.fixture
def http(door: StreamDoor) -> Iterator[httpx.Client]:
    door.seconds = 24
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


def _wait_for_ends(door: StreamDoor, *ends: str) -> None:
    """Wait until answers have ended like this; one without a body is there before its end."""
    while len(door.ends) < len(ends):
        time.sleep(0.01)
    assert door.ends == [*ends]


def test_one_address_writes_reads_follows_and_manages(http: httpx.Client, stream: str) -> None:
    run = stream.split("/")[4]
    answer = _write(http, stream, "Hello", "wörld")
    assert (answer.status_code, answer.headers["x-stream-linger-ms"]) == (200, "250")
    page = http.get(stream, params={"wait": "0"}).json()
    assert [chunk["data"] for chunk in page["chunks"]] == ["Hello", "wörld"]
    assert http.post(f"{stream}/close").status_code == 200
    followed = http.get(stream, headers=AS_EVENTS)
    assert followed.headers["x-stream-version"] == "v2"
    assert _data(followed.text) == ["Hello", "wörld"]
    assert followed.text.endswith("data: [DONE]\n\n")
    [described] = http.get(f"/api/v1/runs/{run}/streams").json()["streams"]
    assert described["tail"] == 2


def test_the_dashboard_is_at_that_address_too_and_not_sent_twice(
    http: httpx.Client, door: StreamDoor
) -> None:
    page = http.get("/dashboard")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    again = http.get("/dashboard", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    _wait_for_ends(door, "clean", "clean")
    led = http.get("/dashboard/", follow_redirects=True)
    assert (led.status_code, led.url.path) == (200, f"{door.base}/dashboard")


def test_the_open_protocol_is_spoken_there_too(http: httpx.Client, door: StreamDoor) -> None:
    url = f"/v1/stream/run_{uuid4().hex}/out"
    text = {"Content-Type": "text/plain"}
    made = http.put(url, headers=text)
    assert (made.status_code, made.content) == (201, b"")
    assert httpx.URL(made.headers["location"]).path == f"{door.base}{url}"
    empty = http.get(url)
    assert (empty.content, empty.headers["content-type"]) == (b"", "text/plain")
    assert http.post(url, content=b"Hello", headers=text).status_code == 204
    door.seconds = 4
    events = http.get(url, params={"offset": "-1", "live": "sse"}).text
    assert events.startswith("event: data\ndata:Hello\n\nevent: control\n")
    assert events.endswith("}\n\n")
    _wait_for_ends(door, *["clean"] * 4)
    assert http.delete(url).status_code == 204


def _followed(http: httpx.Client, stream: str) -> tuple[str, bool]:
    """Return the events of a stream, and whether the connection broke behind them."""
    pieces: list[str] = []
    with http.stream("GET", stream, headers=AS_EVENTS) as answer:
        try:
            pieces.extend(answer.iter_text())
        except httpx.TransportError:
            return "".join(pieces), True
    return "".join(pieces), False


def test_an_event_stream_that_outlasts_its_time_says_that_this_is_not_the_end(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    """The REST API then breaks it off, for those of the published clients that only heed that."""
    _write(http, stream, "Hello")
    door.seconds = 4
    door.ends.clear()
    events, broke = _followed(http, stream)
    assert (_data(events), "[DONE]" in events) == (["Hello"], False)
    assert events.endswith(BROKEN_OFF)
    assert (broke, door.ends) == ((True, ["cut"]) if door.breaks else (False, ["clean"]))
    door.seconds = 24
    _write(http, stream, "wörld")
    http.post(f"{stream}/close")
    rest = http.get(stream, headers={**AS_EVENTS, "Last-Event-ID": "0"})
    assert _data(rest.text) == ["wörld"]


def test_our_own_reader_reads_past_deadlines(door: StreamDoor, stream: str) -> None:
    *_, run, key = stream.split("/")
    door.seconds, door.follows = 4, 0
    written: list[int] = []
    with Client(door.url, SECRET) as client, ThreadPoolExecutor() as pool:
        reading = pool.submit(lambda: list(client.streams.read(run, key)))
        while door.follows < 3 and not reading.done():
            written.append(client.streams.append(key, len(written), target=run))
            time.sleep(0.1)
        client.streams.close(key, target=run)
        assert reading.result() == written


def _lose_objects(place: Place) -> None:
    """Delete every object, whatever the heads say."""
    s3, _ = place.clients()
    for each in s3.list_objects_v2(Bucket=place.bucket)["Contents"]:
        s3.delete_object(Bucket=place.bucket, Key=each["Key"])


def test_an_error_in_an_event_stream_is_not_its_end_either(
    http: httpx.Client, door: StreamDoor, place: Place, stream: str
) -> None:
    _write(http, stream, "gone" * KIB)
    _lose_objects(place)
    door.seconds = 4
    door.ends.clear()
    assert _followed(http, stream) == (BROKEN_OFF, door.breaks)
    assert door.ends == (["cut"] if door.breaks else ["clean"])


def test_a_preflight_takes_no_function_at_the_rest_api(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for path in (stream, "/api/v1/runs"):
        door.ends.clear()
        answer = http.options(path, headers=asked)
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["access-control-max-age"] == "300"
        assert door.ends == ([] if door.breaks else ["clean"])


def test_whoever_is_throttled_by_the_door_comes_back(door: StreamDoor, stream: str) -> None:
    """What the gateway says then is nothing of ours."""
    *_, run, key = stream.split("/")
    with Client(door.url, SECRET) as client:
        for number in range(3):
            door.throttles = 2
            assert client.streams.append(key, number, target=run) == number
        client.streams.close(key, target=run)
        door.throttles = 2
        assert list(client.streams.read(run, key)) == [0, 1, 2]
        assert door.throttles == 0


def test_a_page_can_read_that_it_is_throttled_and_when_to_come_back(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    door.throttles = 1
    answer = http.get(stream, headers={"Origin": "https://app.example"})
    assert answer.status_code == 429
    known = {"access-control-allow-origin": "*", "retry-after": "1"} if door.breaks else {}
    assert {name: answer.headers.get(name) for name in known} == known


def test_no_answer_is_empty_where_it_may_have_a_body(http: httpx.Client, stream: str) -> None:
    """There are reports of empty ones that never end."""
    piped, led = _write(http, stream, "Hello"), http.get("/dashboard/")
    assert (piped.status_code, piped.content) == (200, b"{}")
    assert (led.status_code, led.content) == (308, b"{}")


def test_a_writer_hears_how_far_it_came_without_a_body(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    run, key = stream.rsplit("/", 1)
    asked = http.head(f"{run}/self/{key}", headers={"X-Client-Id": "writer"})
    assert (asked.status_code, asked.headers["x-last-chunk-index"]) == (200, "-1")
    assert asked.content == b""
    _wait_for_ends(door, "clean")


def test_silence_ends_an_event_stream_cleanly_when_there_is_time(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    answer = http.get(stream, headers={**AS_EVENTS, "Timeout-Seconds": "1"})
    assert answer.text.endswith("data: [DONE]\n\n")
    assert door.ends == ["clean"]


def test_a_long_poll_ends_cleanly_before_the_deadline(
    http: httpx.Client, door: StreamDoor, stream: str
) -> None:
    door.seconds = 4
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


def test_the_function_refuses_a_head_that_is_too_large(door: StreamDoor) -> None:
    """As the local server does: they speak HTTP by the same code."""
    environment = door.environments.take()
    url = f"http://127.0.0.1:{environment.port}/health"
    answer = httpx.get(url, headers={"a": "x" * 70_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "head_too_large")
    door.environments.give_back(environment)
