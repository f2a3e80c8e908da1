"""What is refused, over plain HTTP: with the statuses and texts that published clients
know, and with the headers without which a browser would see a broken network instead.
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from tests.clients.lab import Lab

ORIGIN = "https://app.example"
STREAMS = "/realtime/v1/streams"
STREAM = f"{STREAMS}/run_1/self/key"
READ = f"{STREAMS}/run_1/key"
INPUT = f"{STREAMS}/run_1/input/key"
DONE = f"{STREAMS}/run_done"
SSE = {"accept": "text/event-stream"}

ROUTES = [
    ("PUT", STREAM),
    ("POST", STREAM),
    ("HEAD", STREAM),
    ("POST", f"{STREAM}/append"),
    ("GET", READ),
    ("POST", INPUT),
    ("GET", INPUT),
]
"""R1 to R7 of the published protocol."""

KIB, MIB = 1024, 1024 * 1024


@pytest.fixture(scope="module")
def http(lab: Lab) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=lab.server.url, headers={"Origin": ORIGIN}, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {lab.server.secret}"
        client.post("/api/v1/runs/run_done/complete").raise_for_status()
        yield client


def token(lab: Lab, *scopes: str, **claims: Any) -> dict[str, str]:
    """Return the header of a browser that was given these scopes."""
    said = {"pub": True, "scopes": scopes, "exp": time.time() + 60, **claims}
    return {"Authorization": f"Bearer {jwt.encode(said, lab.server.secret, 'HS256')}"}


def check(answer: httpx.Response, status: int, words: str = "") -> None:
    """Check the status, that any page may see it, and that it is not tried again."""
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-expose-headers"] == "*"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-should-retry"] == "false"
    if answer.request.method != "HEAD":
        error = answer.json()["error"]
        assert words in error["message"]
        assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "credential", [None, "Basic abc", "Bearer", "Bearer wrong", "Bearer a.b.c"]
)
def test_who_has_no_key_is_refused(
    http: httpx.Client, method: str, path: str, credential: str | None
) -> None:
    request = http.build_request(method, path)
    del request.headers["Authorization"]
    if credential is not None:
        request.headers["Authorization"] = credential
    check(http.send(request), 401)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_token_that_has_expired_is_refused(
    http: httpx.Client, lab: Lab, method: str, path: str
) -> None:
    old = token(lab, "admin", exp=time.time() - 1)
    check(http.request(method, path, headers=old), 401, "has expired")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_token_for_another_run_is_refused(
    http: httpx.Client, lab: Lab, method: str, path: str
) -> None:
    scopes = ("read:runs:run_2", "write:runs:run_2", "write:inputStreams:run_2")
    check(http.request(method, path, headers=token(lab, *scopes)), 403, "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "words"),
    [
        ("POST", STREAM, {"x-resume-from-chunk": "-1"}, b"", "Invalid X-Resume-From-Chunk header"),
        ("POST", STREAM, {"x-resume-from-chunk": "one"}, b"", "Invalid X-Resume-From-Chunk header"),
        ("POST", STREAM, {"x-client-id": "c" * 65}, b"", "longer than 64 bytes"),
        ("POST", STREAM, {}, b"{\n", "line 1"),
        ("PUT", f"{STREAMS}/run_1/sibling/key", {}, b"", "the target must be one of"),
        ("HEAD", f"{STREAMS}/run_1/sibling/key", {}, b"", ""),
        ("POST", f"{STREAMS}/run_1/sibling/key/append", {}, b"x", "the target must be one of"),
        ("PUT", f"{DONE}/self/key", {}, b"", "Cannot initialize a realtime stream on a completed"),
        (
            "POST",
            f"{DONE}/self/key",
            {},
            b"1\n",
            "Cannot append to a realtime stream on a completed",
        ),
        ("POST", f"{DONE}/self/key/append", {}, b"x", "Cannot append to a realtime stream on a"),
        (
            "POST",
            f"{DONE}/input/key",
            {},
            b'{"data":1}',
            "Cannot send to input stream on a completed",
        ),
        ("POST", INPUT, {}, b"", "Invalid request body"),
        ("POST", INPUT, {}, b'{"date":1}', "Invalid request body"),
        ("GET", READ, {**SSE, "timeout-seconds": "-1"}, b"", "must be greater than 0"),
        ("GET", READ, {**SSE, "timeout-seconds": "601"}, b"", "must be less than 600"),
        ("GET", f"{READ}?start=first", {}, b"", "start must be a whole number"),
        ("GET", f"{STREAMS}/run_1/%2Fkey", {}, b"", "may not contain '/'"),
        ("GET", f"{STREAMS}/run_1/{'k' * 257}", {}, b"", "longer than 256 bytes"),
    ],
)
def test_what_makes_no_sense_is_refused(
    http: httpx.Client, method: str, path: str, headers: dict[str, str], body: bytes, words: str
) -> None:
    check(http.request(method, path, headers=headers, content=body), 400, words)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{STREAMS}/run_1/parent/key"),
        ("POST", f"{STREAMS}/run_1/root/key"),
        ("HEAD", f"{STREAMS}/run_1/parent/key"),
        ("POST", f"{STREAMS}/run_1/parent/key/append"),
        ("GET", f"{STREAMS}/run_1"),
        ("GET", f"{STREAMS}/run_1/no/such/route"),
        ("GET", "/nothing"),
    ],
)
def test_what_is_not_there_is_not_found(http: httpx.Client, method: str, path: str) -> None:
    """A run or a key that nobody has heard of is waited for instead."""
    check(http.request(method, path, content=b""), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", STREAM, "POST, PUT, HEAD"),
        ("DELETE", STREAM, "POST, PUT, HEAD"),
        ("PATCH", STREAM, "POST, PUT, HEAD"),
        ("GET", f"{STREAM}/append", "POST"),
        ("PUT", f"{STREAM}/append", "POST"),
        ("POST", READ, "GET"),
        ("PUT", READ, "GET"),
        ("HEAD", READ, "GET"),
        ("DELETE", READ, "GET"),
        ("GET", "/api/v1/auth/jwt/claims", "POST"),
        ("POST", "/api/v1/runs", "GET"),
    ],
)
def test_a_method_that_a_route_does_not_take_is_refused(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path)
    check(answer, 405)
    assert answer.headers["allow"] == allowed


def pieces(size: int) -> Iterator[bytes]:
    """Yield a body of *size* bytes, whose length is not announced."""
    for _ in range(size // KIB):
        yield b"x" * KIB
    yield b"x" * (size % KIB)


@pytest.mark.parametrize(
    ("path", "limit"), [(f"{STREAM}/append", 512 * KIB), (INPUT, MIB), ("/api/v1/runs/r", 25 * KIB)]
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit_is_refused_with_it(
    http: httpx.Client, path: str, limit: int, announced: bool
) -> None:
    method = "PUT" if path.startswith("/api") else "POST"
    size = limit + 1
    body: Any = b"x" * size if announced else pieces(size)
    answer = http.request(method, path, content=body)
    check(answer, 413, "Request body too large")
    assert answer.json()["error"]["limit"] == limit


def test_one_append_needs_to_announce_its_length(http: httpx.Client) -> None:
    check(http.post(f"{STREAM}/append", content=pieces(10)), 413, "needs a Content-Length")


@pytest.mark.parametrize("announced", [True, False])
def test_a_chunk_beyond_the_limit_is_refused_and_those_before_it_are_kept(
    http: httpx.Client, announced: bool
) -> None:
    key = f"{STREAMS}/run_{announced}/self/large"
    body = b"1\n2\n" + b"3" * (MIB + 1) + b"\n"
    answer = http.post(key, content=body if announced else iter([body]))
    check(answer, 413)
    error = answer.json()["error"]
    assert (error["code"], error["line"], error["last_index"]) == ("chunk_too_large", 3, 1)


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/no/such/route")])
def test_a_preflight_allows_what_the_hook_sends(http: httpx.Client, method: str, path: str) -> None:
    asked = "authorization,content-type,last-event-id,timeout-seconds,trigger-version"
    headers = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": asked,
        "Authorization": "",
    }
    answer = http.options(path, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-headers"] == asked
    assert method in answer.headers["access-control-allow-methods"].split(",")
    assert answer.headers["access-control-max-age"] == "300"
