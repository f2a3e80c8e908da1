"""What Lambda is told of a request is told before the client can have the whole answer: the process
stands still from then on.
"""

import json
from typing import Any, cast

import pytest
from aws_lambda_powertools.metrics import Metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runstreams.aws_lambda.web import Invocation, Invoked

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
        ("POST", [_start(200, (LENGTH, b"0")), _body()], ["told", "start", "body"]),
        ("HEAD", [_start(200, (LENGTH, b"2")), _body()], ["told", "start", "body"]),
        ("DELETE", [_start(204), _body()], ["told", "start", "body"]),
        ("GET", [_start(304), _body()], ["told", "start", "body"]),
        (
            "GET",
            [_start(), _body(b"a", True), _body(b"b", True), _body()],
            ["start", "body", "body", "told", "body"],
        ),
        ("GET", [_start(), _body(b"broken off", True)], ["start", "body", "told"]),
    ],
)
async def test_the_log_comes_before_the_end_of_the_answer(
    method: str, answer: list[Message], expected: list[str]
) -> None:
    seen: list[str] = []

    async def send(message: Message) -> None:
        seen.append(message["type"].rpartition(".")[2])

    async def receive() -> Message:
        raise AssertionError("nobody reads a body here")

    scope = {
        "type": "http",
        "method": method,
        "path": "/health",
        "headers": [(b"x-amzn-lambda-context", CONTEXT)],
    }
    metrics = cast("Metrics", _Told(seen))
    await Invoked(_answering(*answer), Invocation(), metrics)(scope, receive, send)
    assert seen == expected
