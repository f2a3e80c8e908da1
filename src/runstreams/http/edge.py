"""The outermost layer: what every answer has, whatever became of the request.

CORS headers, since a browser shows an error without them as a network failure, which the published
clients retry for ever; a request id; our error shape; one line in the access log.
"""

import logging
import re
import time
from random import getrandbits
from urllib.parse import quote, unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import InvalidName
from ..core.origins import ANY, origin_of
from ..core.tracing import asking
from .call import ClientGone, joined
from .errors import Headers, Internal, ours, refusal, status_of
from .observing import RequestObserver

logger = logging.getLogger(__name__)
access_log = logging.getLogger("runstreams.access")

PREFLIGHT_SECONDS = 300
"""How long a browser may remember what a preflight answered."""

_FOR_ALL: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
]
"""What an answer has that pages of any origin may share: tokens say who may read it."""

_METHODS = b"GET,HEAD,PUT,PATCH,POST,DELETE"

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_SLASH = re.compile(rb"%2f", re.IGNORECASE)


class Edge:
    """Wraps the whole API."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...], observer: RequestObserver) -> None:
        """Let pages of *origins* call; `*` means all. Raises `ValueError` for what is none."""
        self._app = app
        self._observer = observer
        self._any_origin = ANY in origins
        self._origins = {origin_of(origin).encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id, added, asked = self._read(scope)
        scope["runstreams.request_id"] = request_id
        asking.set(scope["runstreams.headers"].get(b"traceparent", b"").decode("latin-1"))
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told = [added[0], *_FOR_ALL] if scope.get("runstreams.shared") else added
                message["headers"] = [*message["headers"], *told]
                self._observer.answered(scope, status, time.perf_counter() - began)
            else:
                self._observer.sent(len(message.get("body", b"")))
            await send(message)

        try:
            # What our server could not make a request of; other hosts keep that to themselves.
            if (refused := scope.get("runstreams.refused")) is not None:
                raise refused
            if scope["method"] == "OPTIONS":
                await _preflight(sending, asked)
            else:
                _check_path(scope)
                await self._app(scope, receive, sending)
        except ClientGone:
            pass
        except Exception as error:
            _log_failure(error, request_id)
            self._observer.refused(ours(error).code)
            # What has begun is broken off, not ended: a clean end would look like the whole answer.
            if not status:
                await _refuse(sending, error, request_id)
        finally:
            if not status:
                self._observer.answered(scope, 0, time.perf_counter() - began)
            if access_log.isEnabledFor(logging.INFO):
                _log_access(scope, request_id, status, time.perf_counter() - began)

    def _read(self, scope: Scope) -> tuple[str, Headers, bytes | None]:
        """Return the request's id, the headers that its answer gets, and the headers that a
        preflight asks for.
        """
        headers = scope["runstreams.headers"] = joined(scope["headers"])
        origin = headers.get(b"origin")
        told = _request_id(scope, headers.get(b"x-request-id"))
        added: Headers = [(b"x-request-id", told.encode()), (b"vary", b"Origin")]
        if self._any_origin or origin in self._origins:
            added.append((b"access-control-allow-origin", origin or b"*"))
            added.append((b"access-control-expose-headers", b"*"))
        return told, added, headers.get(b"access-control-request-headers")


def _request_id(scope: Scope, sent: bytes | None) -> str:
    if sent is not None and _REQUEST_ID.fullmatch(sent):
        return sent.decode()
    gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId")
    return str(gateway) if gateway else f"{getrandbits(64):016x}"


def _check_path(scope: Scope) -> None:
    """Refuse names that percent-decoding would change behind our back. Raises `InvalidName`."""
    raw: bytes | None = scope.get("raw_path")
    if not raw or b"%" not in raw:
        return
    if _SLASH.search(raw):
        raise InvalidName("a run id or stream key may not contain '/'")
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise InvalidName("the path is not valid UTF-8") from None


async def _preflight(send: Send, asked: bytes | None) -> None:
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
    ]
    if asked is not None:
        headers.append((b"access-control-allow-headers", asked))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def _refuse(send: Send, error: Exception, request_id: str) -> None:
    status, headers, body = refusal(ours(error), request_id)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _log_failure(error: Exception, request_id: str) -> None:
    known = ours(error)
    if isinstance(known, Internal):
        logger.error("request %s failed", request_id, exc_info=error)
    elif status_of(type(known)) >= 500:
        logger.warning("request %s failed: %s: %s", request_id, known.code, known.message)


def _log_access(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    # The path as it was sent is ASCII, so that nothing in it can break the line.
    raw = scope.get("raw_path")
    path = raw.decode("ascii", "backslashreplace") if raw else quote(scope["path"])
    access_log.info(
        "%s %s %s %d %.1f ms", request_id, scope["method"], path, status, seconds * 1000
    )
