"""What Lambda is told of a request is told before the client can have the whole answer: the process
stands still from then on.
"""

import json
import time
from typing import Any, cast

import pytest
from aws_lambda_powertools.metrics import Metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runstreams.aws_lambda.invocation import MARGIN_SECONDS, Invocation
from runstreams.aws_lambda.web import Invoked
from tests.functions.stream_door import RestDoor, UrlDoor

CONTEXT = json.dumps({"request_id": "1", "deadline": 4_000_000_000_000}).encode()
LENGTH = b"content-length"


class _Told:
    """Metrics, of which one only wants to know when they are written."""

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def add_metric(self, *_: Any) -> None:
        pass

    def flush_metrics(self) -> None:
        self._seen.append("told")


def _answering(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def _start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def _body(body: bytes = b"", more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("method", "answer", "expected"),
    [
        ("GET", [_start(200, (LENGTH, b"2")), _body(b"{}")], ["start", "told", "body"]),
        ("POST", [_start(200, (LENGTH, b"0")), _body()], ["start", "told", "body"]),
        ("HEAD", [_start(200, (LENGTH, b"2")), _body()], ["told", "start", "body"]),
        ("DELETE", [_start(204), _body()], ["told", "start", "body"]),
        ("GET", [_start(304), _body()], ["told", "start", "body"]),
        (
            "GET",
            [_start(), _body(b"a", True), _body(b"b", True), _body()],
            ["start", "body", "body", "told", "body"],
        ),
        ("GET", [_start(), _body(b"broken off", True)], ["start", "body", "told", "body"]),
    ],
)
async def test_the_log_comes_before_the_end_of_the_answer(
    method: str, answer: list[Message], expected: list[str]
) -> None:
    seen: list[str] = []

    async def send(message: Message) -> None:
        seen.append(message["type"].rpartition(".")[2])

    await _invoke(_answering(*answer), send, seen, method=method)
    assert seen == expected


# What the adapter does not pass on


async def _sent(app: ASGIApp, **about: Any) -> list[Message]:
    """Return what *app* sends through the adapter."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await _invoke(app, send, [], **about)
    return sent


async def _invoke(
    app: ASGIApp,
    send: Send,
    seen: list[str],
    method: str = "GET",
    gateway: dict[str, Any] | None = None,
) -> None:
    async def receive() -> Message:
        raise AssertionError("nobody reads a body here")

    scope = {
        "type": "http",
        "method": method,
        "path": "/health",
        "headers": [
            (b"x-amzn-lambda-context", CONTEXT),
            (b"x-amzn-request-context", json.dumps(gateway).encode()),
        ],
    }
    metrics = cast("Metrics", _Told(seen))
    await Invoked(app, Invocation(), metrics)(scope, receive, send)


@pytest.mark.parametrize("status", [200, 308, 404])
async def test_an_empty_answer_gets_a_body(status: int) -> None:
    name = (b"location", b"elsewhere")
    start, body = await _sent(_answering(_start(status, (LENGTH, b"0"), name), _body()))
    assert start["headers"] == [name, (LENGTH, b"2"), (b"content-type", b"application/json")]
    assert (start["status"], body["body"]) == (status, b"{}")


async def test_an_answer_that_says_what_it_is_made_of_may_be_empty() -> None:
    answer = [_start(200, (LENGTH, b"0"), (b"content-type", b"text/plain")), _body()]
    assert await _sent(_answering(*answer)) == answer


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_what_may_have_no_body_gets_none(method: str, status: int) -> None:
    answer = [_start(status, (LENGTH, b"0")), _body()]
    assert await _sent(_answering(*answer), method=method) == answer


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long an answer was held, each time; nobody waits for it here."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    return found


TORN = (_start(), _body(b"broken off", True))


async def test_a_rest_api_is_given_the_time_to_break_an_answer_off(waits: list[float]) -> None:
    gateway = RestDoor.context("GET", "/health")
    sent = await _sent(_answering(*TORN), gateway=gateway)
    left = 4_000_000_000 - time.time()
    assert [round(each / 60) for each in waits] == [round((left - MARGIN_SECONDS) / 60)]
    assert sent == [*TORN, {"type": "http.response.body", "body": b""}]


async def test_behind_a_function_url_a_broken_answer_ends_at_once(waits: list[float]) -> None:
    gateway = UrlDoor.context("GET", "/health")
    sent = await _sent(_answering(*TORN), gateway=gateway)
    assert waits == []
    assert sent == [*TORN, {"type": "http.response.body", "body": b""}]


async def test_an_answer_that_has_ended_is_not_held(waits: list[float]) -> None:
    gateway = RestDoor.context("GET", "/health")
    await _sent(_answering(_start(), _body(b"all of it")), gateway=gateway)
    assert waits == []
