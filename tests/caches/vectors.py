"""Who asks for a page, and what the server itself says to that: what a cache's check is held to."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

from runstreams.core.access import of_stream
from runstreams.core.errors import Unauthenticated
from runstreams.core.model import StreamId
from runstreams.http.access import Keys
from tests.signing import issue_token

KEY, OLDER = "tr_dev_the_key_of_now", "tr_dev_the_key_of_before"
KEYS = (KEY, OLDER)
NOW = 1_800_000_000
STREAM = StreamId("run_1", "out")
PATH = "/realtime/v1/pages/run_1/out"


def tokens() -> Iterator[str]:
    """Yield tokens, good and bad."""
    yield from map(_with, _SCOPES)
    for key in (*KEYS, "tr_dev_a_key_that_was_rotated_out", ""):
        yield issue_token(key, ["read:runs:run_1"], NOW)
    for seconds in (-1, 0, 0.5, 1):
        yield _with(["read:runs:run_1"], exp=NOW + seconds)
        yield _with(["read:runs:run_1"], nbf=NOW + seconds)
    for odd in (None, True, "1900000000", [], float("inf"), float("nan"), 10**400):
        yield _with(["read:runs:run_1"], exp=odd)
        yield _with(["read:runs:run_1"], nbf=odd)
    for odd in (False, 1, "true", None):
        yield _with(["read:runs:run_1"], pub=odd)
    for odd in (None, "read:runs:run_1", {"read:runs:run_1": 1}):
        yield _with(odd)
    for odd in ("none", "HS512", "hs256", None):
        yield _made({"alg": odd, "typ": "JWT"}, _claims(["read:runs:run_1"]))
    yield from (_made({"alg": "HS256"}, odd) for odd in ([], None, "text", 17))
    good = _with(["read:runs:run_1"])
    head, said, signature = good.split(".")
    yield from (f"{head}.{said}.", f"{head}.{said}", f"{good}.{signature}", good[:-2])
    yield f"{head}.{_base64(json.dumps(_claims(['admin'])).encode())}.{signature}"


_SCOPES: tuple[list[Any], ...] = (
    ["read:runs:run_1"],
    ["read:streams:run_1/out"],
    ["read:runs"],
    ["read:streams"],
    ["read:all"],
    ["read:all:x"],
    ["*:runs:run_1"],
    ["*:all"],
    ["admin"],
    [17, None, "read:runs:run_1"],
    [],
    ["read:runs:run_2"],
    ["read:runs:run_"],
    ["read:runs:run_1/out"],
    ["read:streams:run_1"],
    ["read:streams:run_1/out/more"],
    ["read:streams:run_1:out"],
    ["read:runs:"],
    ["read:runs: "],
    ["read:"],
    ["read"],
    ["READ:runs:run_1"],
    ["write:runs:run_1"],
    ["manage:all"],
    ["admin:runs"],
    [":runs:run_1"],
    ["read:runs:run_1 "],
)


def authorizations() -> Iterator[str | None]:
    """Yield what may stand in the header."""
    yield from (None, "", "Bearer", "Bearer ", "Bearer x", KEY, f"Basic {KEY}", f"Bearer {KEY}x")
    yield from (f"Bearer {KEY}", f"bearer   {OLDER} ", f"Bearer {KEY[:-1]}", "Bearer a.b.c")
    yield from (f"Bearer {token}" for token in tokens())


def status_for(authorization: str | None) -> int:
    """Return with which status the server answers who asks for a page of the stream."""
    try:
        sent = None if authorization is None else authorization.encode("latin-1")
        granted = Keys(KEYS).grant(sent, NOW * 1000)
    except Unauthenticated:
        return 401
    return 200 if granted.allows("read", *of_stream(STREAM)) else 403


def _with(scopes: Any, **more: Any) -> str:
    return _made({"alg": "HS256", "typ": "JWT"}, _claims(scopes) | more)


def _claims(scopes: Any) -> dict[str, Any]:
    return {"pub": True, "scopes": scopes, "exp": NOW + 60}


def _made(head: Any, said: Any) -> str:
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, said))
    signature = hmac.digest(KEY.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
