"""What plain HTTP meets at the gateway of a deployment and the processes of its functions.

What the SDK does there is in `tests/sdk`, in the tests that are marked `also_deployed`.
"""

import json
import time
from typing import Any

import pytest

from runstreams.core.limits import CHUNK_BYTES
from runstreams.http.trigger import APPEND_BODY_BYTES
from tests.deployed.client import HttpClient
from tests.deployed.stack import Stack
from tests.signing import issue_token

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.needs("sam", "ministack"),
    pytest.mark.timeout(400),
]


@pytest.mark.parametrize("kind", ["json", "x-ndjson"])
def test_lines_pass_the_gateway_as_text_and_as_bytes(
    client: HttpClient, run: str, kind: str
) -> None:
    body = '{"a": "é"}\n[1, null]\n'.encode()
    path = f"/realtime/v1/streams/{run}/self/out"
    answer = client.ask("POST", path, body, Content_Type=f"application/{kind}")
    assert answer.status_code == 200, answer.text
    assert client.everything(run, "out") == [{"a": "é"}, [1, None]]


def test_a_pipe_resumes_where_it_was_and_resends_for_nothing(client: HttpClient, run: str) -> None:
    values = list(range(30))
    client.write(run, "out", values[:20], "c").raise_for_status()
    assert client.last_number(run, "out", "c") == 19
    client.write(run, "out", values[10:], "c", number=10).raise_for_status()
    assert client.everything(run, "out") == values
    gap = client.write(run, "out", [1], "c", number=40)
    assert (gap.status_code, gap.json()["error"]["expected"]) == (409, 30)


def test_a_text_that_is_sent_again_lands_once(client: HttpClient, run: str) -> None:
    assert client.append(run, "out", "once", "part") == client.append(run, "out", "once", "part")
    assert client.everything(run, "out") == ["once"]


def test_a_wait_for_nothing_ends_with_an_empty_page(client: HttpClient, run: str) -> None:
    page = client.page(run, "out", 0, wait=1)
    assert (page["chunks"], page["next_index"], page["closed"]) == ([], 0, None)


def test_a_replay_starts_anywhere_in_pages_of_any_size(client: HttpClient, run: str) -> None:
    """Through segments and batches: 40 appends are sealed twice."""
    for number in range(40):
        client.write(run, "out", [number, -number], "c", 2 * number).raise_for_status()
    values = [value for number in range(40) for value in (number, -number)]
    assert client.everything(run, "out") == values
    client.close(run, "out")
    for start, limit in ((0, 7), (33, 1000), (79, 1)):
        assert list(client.follow(run, "out", start, limit)) == values[start:]


def test_a_closed_stream_takes_no_more_and_acknowledges_what_it_has(
    client: HttpClient, run: str
) -> None:
    client.write(run, "out", ["a"], "c").raise_for_status()
    client.close(run, "out")
    refused = client.write(run, "out", ["b"], "c", 1)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "stream_closed")
    assert client.write(run, "out", ["a"], "c").status_code == 200


def test_a_run_is_listed_completed_and_deleted(client: HttpClient, run: str) -> None:
    for key in ("one", "two"):
        client.append(run, key, "x")
    listed = client.ask("GET", f"/api/v1/runs/{run}/streams").json()["streams"]
    assert [stream["key"] for stream in listed] == ["one", "two"]
    assert client.ask("POST", f"/api/v1/runs/{run}/complete").status_code == 200
    assert client.write(run, "one", ["y"], "c").json()["error"]["code"] == "run_completed"
    assert client.ask("DELETE", f"/api/v1/runs/{run}").json() == {"streams": 2}
    assert client.everything(run, "one") == []


def test_a_token_does_what_its_scopes_say_and_nothing_else(
    stack: Stack, client: HttpClient, run: str
) -> None:
    client.append(run, "out", "x")
    token = issue_token(stack.secret, [f"read:runs:{run}"], time.time())
    reader = HttpClient(stack.url, token)
    assert reader.everything(run, "out") == ["x"]
    assert reader.write(run, "out", ["y"], "c").status_code == 403
    assert reader.ask("GET", "/realtime/v1/streams/run_other/out?wait=0").status_code == 403
    expired = issue_token(stack.secret, ["admin"], time.time() - 3600)
    for credential in (expired, "wrong", "a.b.c"):
        answer = HttpClient(stack.url, credential).ask("GET", f"/realtime/v1/streams/{run}/out")
        assert answer.status_code == 401


def test_the_key_is_long_and_can_be_pasted_anywhere(stack: Stack) -> None:
    assert stack.secret.isalnum()
    assert len(stack.secret) == 40


def test_a_new_key_works_at_once_and_the_old_one_still_does(
    stack: Stack, client: HttpClient, run: str
) -> None:
    """As `docs/operations.md` tells to rotate. Each process asks again for a key that it does not
    know, if it has not done so for ten seconds.
    """
    client.append(run, "out", "x")
    new, secrets = "the-next-secret-key-of-this-stack", stack.client("secretsmanager")
    name = stack.outputs["SecretKeyCommand"].split("--secret-id ")[1].split()[0]
    secrets.put_secret_value(SecretId=name, SecretString=new)
    path = f"/realtime/v1/streams/{run}/out?wait=0"
    deadline = time.monotonic() + 60
    while HttpClient(stack.url, new).ask("GET", path).status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert client.ask("GET", path).status_code == 200


def _large(size: int) -> str:
    return "x" * (size - 2)


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("/append", "x" * (APPEND_BODY_BYTES + 1), "body_too_large"),
        ("", json.dumps(_large(CHUNK_BYTES + 1)), "chunk_too_large"),
    ],
)
def test_beyond_a_limit_nothing_is_stored_and_a_browser_can_read_why(
    client: HttpClient, run: str, path: str, content: str, code: str
) -> None:
    url = f"/realtime/v1/streams/{run}/self/out{path}"
    answer = client.ask("POST", url, content, Origin="https://app.example")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, code)
    assert error["size"] > error["limit"]
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert client.everything(run, "out") == []


def test_the_largest_chunk_passes(client: HttpClient, run: str) -> None:
    value = _large(CHUNK_BYTES)
    client.write(run, "out", [value], "c").raise_for_status()
    assert client.everything(run, "out") == [value]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/realtime/v1/streams/run_1/self/out", 405, "method_not_allowed"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/realtime/v1/streams/run_1/out?start=-1", 400, "invalid_index"),
        ("GET", "/realtime/v1/streams/run_1/out?start=7&wait=0", 416, "index_beyond_tail"),
        ("POST", "/realtime/v1/streams/run_1/sideways/out", 400, "params"),
    ],
)
def test_errors_are_the_applications_and_browsers_can_read_them(
    client: HttpClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.ask(method, path, Origin="https://app.example")
    error: Any = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert error["request_id"] == answer.headers["x-request-id"]


def test_event_streams_are_refused_for_good(client: HttpClient, run: str) -> None:
    """The published clients give up at 422."""
    answer = client.ask("GET", f"/realtime/v1/streams/{run}/out", Accept="text/event-stream")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_event_stream")
    assert answer.headers["x-should-retry"] == "false"
