"""Closing a stream, asking its producer to stop, and taking it over from them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, get_args

from ...core.access import Grant, of_stream
from ...core.errors import InvalidRequest
from ...core.fencing import fence_number
from ...core.leasing import Claim, leased_until
from ...core.limits import CLOSE_ERROR_BYTES, SMALL_BODY_BYTES
from ...core.model import Closed, Status, StreamId
from ..call import Call, require
from ..fencing import fence_of
from ..leasing import claim_of

STATUSES = get_args(Status)


async def close(call: Call, grant: Grant, stream: StreamId) -> None:
    """Close *stream* for good; again with the same status is fine."""
    require(grant, ("write",), *of_stream(stream))
    closing = ending_of(await call.body(SMALL_BODY_BYTES))
    head = await call.service.log.close(stream, closing, fence_of(call))
    assert head.closed is not None
    await _answer(call, {"closed": asdict(head.closed), "tail": head.tail})


async def stop(call: Call, grant: Grant, stream: StreamId) -> None:
    """Ask the producer to stop: every answer to an append says so from now on."""
    require(grant, ("stop", "write"), *of_stream(stream))
    await call.body(SMALL_BODY_BYTES)
    head = await call.service.log.ask_stop(stream)
    await _answer(call, {"stop": head.stop, "tail": head.tail})


async def take_over(call: Call, grant: Grant, stream: StreamId) -> None:
    """Keep out who has written to *stream* until now, for the client that asks."""
    require(grant, ("write",), *of_stream(stream))
    claim = claim_of(call)
    await call.body(SMALL_BODY_BYTES)
    head = await call.service.log.take_over(stream, *(claim or Claim("", 0)))
    until = leased_until(head)
    await _answer(call, {"fence": fence_number(head), "tail": head.tail, "leased_until": until})


VERBS: dict[str, Callable[[Call, Grant, StreamId], Awaitable[None]]] = {
    "close": close,
    "stop": stop,
    "take-over": take_over,
}


def ending_of(body: bytes) -> Closed:
    """Return the ending that *body* asks for; an empty one means completed. Raises
    `InvalidRequest`.

    By hand, as importing pydantic takes a tenth of the start of a function that has no other need.
    """
    try:
        said = json.loads(body if body.strip() else b"{}")
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not said.keys() <= {"status", "error"}:
        raise InvalidRequest("the body must be a JSON object with a status and an error")
    status, error = said.get("status", "completed"), said.get("error")
    if status not in STATUSES:
        raise InvalidRequest(f"status must be one of {', '.join(STATUSES)}")
    if error is not None and not _fits(error):
        raise InvalidRequest(f"error must be a text of up to {CLOSE_ERROR_BYTES} bytes")
    return Closed(status, error)


def _fits(error: object) -> bool:
    try:
        return isinstance(error, str) and len(error.encode()) <= CLOSE_ERROR_BYTES
    except UnicodeEncodeError:
        return False


async def _answer(call: Call, said: dict[str, Any]) -> None:
    await call.answer(200, json.dumps(said, separators=(",", ":")).encode())
