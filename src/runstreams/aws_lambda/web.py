"""The whole API as one web application inside of a Lambda function, event streams included.

The Lambda Web Adapter hands each invocation over as a plain HTTP request, one at a time, and sends
the answer on bit by bit. What Lambda knows of the invocation comes in two headers of the adapter's.
"""

import json
import math
import os
import time
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.limits import LAMBDA_BODY_BYTES
from ..http.app import build_app
from ..http.service import Host
from .metrics import namespace
from .service import service_of

CONTEXT = b"x-amzn-lambda-context"
"""The header with the function's deadline. The adapter replaces whatever a client sends there."""

REQUEST_CONTEXT = b"x-amzn-request-context"
"""The header with the gateway's own id of the request."""

MARGIN_SECONDS = 2.0
"""How long before the function's deadline an event stream is broken off, so that it is us who break
it, between two events.
"""


def application(*routers: Router) -> ASGIApp:
    """Return the API with *routers*, for a server behind the adapter."""
    metrics, invocation = Metrics(namespace=namespace(os.environ)), Invocation()
    host = Host(
        body_bytes=LAMBDA_BODY_BYTES,
        time_left=lambda _: invocation.seconds_left() - MARGIN_SECONDS,
    )
    service = service_of(os.environ, metrics, host, invocation.milliseconds_left)
    return Invoked(build_app(service, routers), invocation, metrics)


class Invocation:
    """The invocation that the process is busy with; there is never more than one."""

    deadline = math.inf
    """In seconds since 1970; infinite for what the adapter asks of its own, to see us ready."""

    def seconds_left(self) -> float:
        """Return the function's time that is left."""
        return self.deadline - time.time()

    def milliseconds_left(self) -> int:
        """Return the function's time that is left, as sealing asks for it."""
        return int(min(self.seconds_left(), 3600) * 1000)


class Invoked:
    """Wraps the API: tells it of the invocation, and the log and the metrics of the request."""

    def __init__(self, app: ASGIApp, invocation: Invocation, metrics: Metrics) -> None:
        self._app = app
        self._invocation = invocation
        self._metrics = metrics
        self._logger = Logger(service="runstreams")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        about = self._begin(scope)
        status = 0
        held: list[Message] = []

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if held or _makes_whole(message, scope["method"]):
                held.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            if about:
                self._tell(about, status)
            # Lambda stops the process as soon as the answer is whole, so the log comes first.
            for message in held:
                await send(message)

    def _begin(self, scope: Scope) -> dict[str, str]:
        """Take note of the invocation; return what each log line says of it. Nothing, where the
        adapter asks by itself whether we are ready.
        """
        headers = dict(scope["headers"])
        if CONTEXT not in headers:
            self._invocation.deadline = math.inf
            return {}
        context = _read(headers, CONTEXT)
        self._invocation.deadline = context["deadline"] / 1000
        scope["aws.event"] = {"requestContext": _read(headers, REQUEST_CONTEXT)}
        about = {"correlation_id": context["request_id"], **_about(scope["path"])}
        self._logger.append_keys(**about)
        return about

    def _tell(self, about: dict[str, str], status: int) -> None:
        self._metrics.add_metric("Requests", MetricUnit.Count, 1)
        self._metrics.add_metric("Failures", MetricUnit.Count, int(status >= 500))
        self._metrics.flush_metrics()
        self._logger.remove_keys(about)


def _makes_whole(message: Message, method: str) -> bool:
    """Say whether the client has the whole answer with this part of it."""
    if message["type"] == "http.response.body":
        return not message.get("more_body")
    no_body = method == "HEAD" or message["status"] in (204, 304)
    return no_body or (b"content-length", b"0") in message["headers"]


def _about(path: str) -> dict[str, str]:
    """Return what each log line says of the request, beside its id: the run that its path names."""
    parts = path.split("/")
    return {"run": parts[4]} if len(parts) > 4 and parts[3] in ("streams", "runs") else {}


def _read(headers: dict[bytes, bytes], name: bytes) -> dict[str, Any]:
    said = json.loads(headers.get(name, b"null"))
    return said if isinstance(said, dict) else {}
