"""The limits of an HTTP API and of Lambda in front of the handlers, since no emulator has them.

What is beyond a limit is answered by the gateway itself: without our error's shape, and without the
headers that a browser needs to read it. To what functions answer it adds those of its own
configuration, in the place of theirs; preflights it answers alone (API Gateway's guide on CORS for
HTTP APIs).
"""

import base64
import json
from typing import Any

from tests.functions.handlers import Context, Functions, event
from tests.functions.template import resource

BODY_BYTES = 10_000_000
"""Largest body that an HTTP API takes."""

PAYLOAD_BYTES = 6 * 1024 * 1024
"""Largest event and largest answer of a function, as JSON."""

SECONDS = 30
"""How long an HTTP API waits for its function; ours has 29."""

AS_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
"""What an HTTP API hands over as text; everything else as base64."""


class Gateway:
    """Hands requests to the functions, and refuses what AWS would refuse."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def send(self, name: str, body: bytes | None = None, query: str = "", **headers: str) -> Any:
        """Return the answer to the event *name* with another *body* and *headers*."""
        if body is not None and len(body) > BODY_BYTES:
            return _refusal(413, "Request Entity Too Large")
        sent = event(name, query=query, **headers)
        if body is not None:
            sent |= _body(body, sent["headers"]["content-type"])
            sent["headers"]["content-length"] = str(len(body))
        if _size(sent) > PAYLOAD_BYTES:
            return _refusal(413, "Request Entity Too Large")
        context = Context(29)
        answer = self._functions.send(sent, context)
        if context.get_remaining_time_in_millis() < 0:
            return _refusal(503, "Service Unavailable")
        if _size(answer) > PAYLOAD_BYTES:
            return _refusal(502, "Bad Gateway")
        own = {k: v for k, v in answer["headers"].items() if not k.startswith("access-control-")}
        return {**answer, "headers": {**own, **shared_with(sent["headers"].get("origin"))}}


def configured() -> Any:
    """Return the configuration of CORS."""
    return resource("Api")["CorsConfiguration"]


def preflight(origin: str, cors: Any) -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer to a preflight from *origin*."""
    headers = shared_with(origin, cors)
    if not headers:
        return 204, {}
    return 204, {
        "access-control-allow-origin": headers["access-control-allow-origin"],
        "access-control-allow-methods": ",".join(cors["AllowMethods"]),
        "access-control-allow-headers": ",".join(cors["AllowHeaders"]),
        "access-control-max-age": str(cors["MaxAge"]),
    }


def shared_with(origin: str | None, cors: Any = None) -> dict[str, str]:
    """Return the headers with which a page of *origin* may read an answer, if it may."""
    cors = cors or configured()
    allowed = {"*", origin} & set(cors["AllowOrigins"])
    if origin is None or not allowed:
        return {}
    return {
        "access-control-allow-origin": "*" if "*" in allowed else origin,
        "access-control-expose-headers": ",".join(cors["ExposeHeaders"]),
    }


def _body(body: bytes, kind: str) -> dict[str, Any]:
    if kind.startswith(AS_TEXT):
        return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _size(payload: Any) -> int:
    return len(json.dumps(payload, ensure_ascii=False).encode())


def _refusal(status: int, message: str) -> Any:
    return {"statusCode": status, "headers": {}, "body": json.dumps({"message": message})}
