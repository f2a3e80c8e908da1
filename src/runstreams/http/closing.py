"""Closing a stream, and asking its producer to stop."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.access import Grant, of_stream
from ..core.model import Closed, StreamId
from .call import Call, require
from .models import BODY_BYTES, Closing, parsed


async def close(call: Call, grant: Grant, stream: StreamId) -> None:
    """Close *stream* for good; again with the same status is fine."""
    require(grant, ("write",), *of_stream(stream))
    said = parsed(Closing, await call.body(BODY_BYTES))
    head = await call.service.log.close(stream, Closed(said.status, said.error))
    assert head.closed is not None
    closed = {"status": head.closed.status, "error": head.closed.error}
    await _answer(call, {"closed": closed, "tail": head.tail})


async def stop(call: Call, grant: Grant, stream: StreamId) -> None:
    """Ask the producer to stop: every answer to an append says so from now on."""
    require(grant, ("stop", "write"), *of_stream(stream))
    await call.body(BODY_BYTES)
    head = await call.service.log.ask_stop(stream)
    await _answer(call, {"stop": head.stop, "tail": head.tail})


VERBS: dict[str, Callable[[Call, Grant, StreamId], Awaitable[None]]] = {
    "close": close,
    "stop": stop,
}


async def _answer(call: Call, said: dict[str, Any]) -> None:
    await call.answer(200, json.dumps(said, separators=(",", ":")).encode())
