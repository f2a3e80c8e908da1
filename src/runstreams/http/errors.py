"""Errors on the wire: one shape, `{"error": {"code", "message", ...facts, "request_id"}}`, and one
table from error to status.
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException

from ..core import entries
from ..core import errors as core
from ..core.errors import InvalidRequest, LimitExceeded, NotThere, RunstreamsError
from . import trigger

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")


@dataclass(eq=False, repr=False, kw_only=True)
class InvalidParams(InvalidRequest, internal=True):
    """The *target* in the path is none of the words that may stand there."""

    code = "params"
    target: str


@dataclass(eq=False, repr=False, kw_only=True)
class MethodNotAllowed(RunstreamsError, internal=True):
    """The path takes other methods: those of *allow*, with commas between."""

    code = "method_not_allowed"
    allow: str | None


@dataclass(eq=False, repr=False, kw_only=True)
class UnsupportedEncoding(RunstreamsError, internal=True):
    """The body is compressed, or has another *encoding* that it would have to be freed of."""

    code = "unsupported_encoding"
    encoding: str


class HeadTooLarge(LimitExceeded, internal=True):
    """The request line and the headers are larger than the server reads."""

    code = "head_too_large"


class Internal(RunstreamsError, internal=True):
    """Something broke that should not; the log says what, under the request id."""

    code = "internal"


STATUS: dict[type[RunstreamsError], int] = {
    core.InvalidRequest: 400,
    core.LimitExceeded: 413,
    HeadTooLarge: 431,
    core.Refused: 409,
    core.RunCompleted: 400,
    core.DeletedWithForks: 410,
    entries.EpochOver: 403,
    core.TooMany: 429,
    core.NotThere: 404,
    core.IndexExpired: 410,
    core.IndexBeyondTail: 416,
    core.Unauthenticated: 401,
    core.Unauthorized: 403,
    core.StoreError: 500,
    core.Busy: 503,
    core.StoreFull: 507,
    MethodNotAllowed: 405,
    UnsupportedEncoding: 415,
    core.NoEventStream: 422,
    RunstreamsError: 500,
}
"""The status of each error; a class that is not named here has that of the class above it."""


class _Refusal(NamedTuple):
    """An error as an answer."""

    status: int
    headers: Headers
    body: bytes


def status_of(kind: type[RunstreamsError]) -> int:
    """Return the status of errors of this *kind*."""
    return next(STATUS[above] for above in kind.__mro__ if above in STATUS)


def is_for_good(kind: type[RunstreamsError]) -> bool:
    """Say whether what is refused with an error of this *kind* is not to be sent again."""
    return status_of(kind) < 500 and not issubclass(kind, core.TooManyReaders)


def ours(error: Exception) -> RunstreamsError:
    """Return *error* as one of ours; of what nobody foresaw, nothing shows."""
    if isinstance(error, RunstreamsError):
        return error
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotThere(trigger.NOT_FOUND)
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow")
        return MethodNotAllowed("Method not allowed", allow=allowed)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return InvalidRequest(str(error.detail))
    return Internal(trigger.BROKEN)


def said_of(error: RunstreamsError) -> dict[str, Any]:
    """Return what is said of *error*, wherever it is told."""
    return {"code": error.code, "message": error.message, **error.facts}


def refusal(error: RunstreamsError, request_id: str) -> _Refusal:
    """Return the answer that tells of *error*."""
    status = status_of(type(error))
    more = trigger.UNAUTHORIZED_FACTS if isinstance(error, core.Unauthorized) else {}
    said = {**said_of(error), **more, "request_id": request_id}
    body = json.dumps({"error": said}, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        NO_STORE,
    ]
    return _Refusal(status, headers + _hints(status, error), body)


def _hints(status: int, error: RunstreamsError) -> Headers:
    headers: Headers = []
    if is_for_good(type(error)):
        headers.append(trigger.REFUSED_FOR_GOOD)
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    if isinstance(error, MethodNotAllowed) and error.allow is not None:
        headers.append((b"allow", error.allow.encode()))
    return headers
