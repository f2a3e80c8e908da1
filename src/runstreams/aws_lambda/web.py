"""The whole API as one web application inside of a Lambda function, event streams included.

The Lambda Web Adapter hands each invocation over as a plain HTTP request, one at a time, and sends
the answer on bit by bit. What Lambda knows of the invocation comes in two headers of the adapter's.

An answer that is left without an end cannot be broken off from here: the adapter would end it. Only
a REST API can, by losing its patience; so there it is held until then.
"""

import asyncio
import json
import math
import os
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.limits import LAMBDA_BODY_BYTES
from ..core.settings import linger_of
from ..http.app import build_app
from ..http.durable.requests import PATH
from ..http.origin import Origin
from ..http.service import Host
from .answer import Answer
from .invocation import MARGIN_SECONDS, Invocation
from .metrics import NAME, count_answer, count_request, namespace
from .service import service_of

CONTEXT = b"x-amzn-lambda-context"
"""The header with the function's deadline. The adapter replaces whatever a client sends there."""

_REQUEST_CONTEXT = b"x-amzn-request-context"
"""The header with what the gateway says of the request."""

OUTLIVING_SECONDS = 5.0
"""How much longer than the gateway's patience the function lives; the template sees to it."""


def application(*routers: Router) -> ASGIApp:
    """Return the API with *routers*, for a server behind the adapter."""
    metrics, invocation = Metrics(namespace=namespace(os.environ)), Invocation()
    host = Host(
        body_bytes=LAMBDA_BODY_BYTES,
        time_left=lambda: invocation.seconds_left() - OUTLIVING_SECONDS - MARGIN_SECONDS,
        linger_ms=linger_of(os.environ),
        origin=Origin.of(os.environ),
    )
    service = service_of(os.environ, metrics, host, invocation.milliseconds_left)
    return Invoked(build_app(service, routers), invocation, metrics)


class Invoked:
    """Wraps the API: tells it of the invocation, and the log and the metrics of the request."""

    def __init__(self, app: ASGIApp, invocation: Invocation, metrics: Metrics) -> None:
        self._app = app
        self._invocation = invocation
        self._metrics = metrics
        self._logger = Logger(service=NAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        about = self._begin(scope)
        answer = Answer(scope["method"], send)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            if about:
                self._tell(about, answer.status)
            # Lambda stops the process as soon as the answer is whole, so the log comes first.
            await answer.finish()
        if about and answer.is_broken_off:
            if _breaks(scope["aws.event"]["requestContext"]):
                await asyncio.sleep(self._invocation.seconds_left() - MARGIN_SECONDS)
            await answer.end()

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
        scope["aws.event"] = {"requestContext": _read(headers, _REQUEST_CONTEXT)}
        about = {"correlation_id": context["request_id"], **_about(scope["path"])}
        self._logger.append_keys(**about)
        return about

    def _tell(self, about: dict[str, str], status: int) -> None:
        count_request(self._metrics)
        count_answer(self._metrics, status)
        self._metrics.flush_metrics()
        self._logger.remove_keys(about)


def _breaks(gateway: dict[str, Any]) -> bool:
    """Say whether what the *gateway* says of a request is said by a REST API: nothing else tells
    the path of its resource.
    """
    return "resourcePath" in gateway


def _about(path: str) -> dict[str, str]:
    """Return what each log line says of the request, beside its id: the run that its path names."""
    parts = path.split("/")
    if path.startswith(PATH):
        return {"name": path.removeprefix(PATH)}
    return {"run": parts[4]} if len(parts) > 4 and parts[3] in ("streams", "runs") else {}


def _read(headers: dict[bytes, bytes], name: bytes) -> dict[str, Any]:
    said = json.loads(headers.get(name, b"null"))
    return said if isinstance(said, dict) else {}
