"""Routes that read: a long poll, or an event stream when one is asked for."""

from typing import NamedTuple

from starlette.routing import Route, Router

from ...core.access import of_stream
from ...core.errors import InvalidIndex
from ...core.limits import (
    PAGE_CHUNKS,
    PAGE_CHUNKS_DEFAULT,
    SILENCE_SECONDS,
    SILENCE_SECONDS_MAX,
    WAIT_SECONDS,
)
from ...core.log import TAIL, Start
from ...core.model import Page, StreamId
from ...core.names import INPUT
from ..call import Call, Endpoint, require
from ..errors import NoEventStream
from ..fields import event_id, leading, query, seconds, whole
from ..live.event_stream import send_events
from ..live.presence import Presence
from ..live.rendering import as_json

router = Router()


class Wanted(NamedTuple):
    """What a long poll asks for."""

    start: Start | None
    wait: float
    limit: int


async def read(call: Call, prefix: str = "") -> None:
    """Send chunks of a stream, waiting for the first one; its key is the path's after *prefix*."""
    grant = call.grant()
    if b"text/event-stream" in call.headers.get(b"accept", b"").lower():
        stream, silence = call.stream(prefix), _silence(call.header(b"timeout-seconds"))
        require(grant, ("read",), *of_stream(stream))
        await _follow(call, stream, silence)
    else:
        wanted, stream = _wanted(call), call.stream(prefix)
        require(grant, ("read",), *of_stream(stream))
        page = await _page(call, stream, wanted)
        no_store = (b"cache-control", b"no-store, no-transform")
        await call.answer(200, as_json(page), [no_store])


async def read_input(call: Call) -> None:
    """Send what was sent to an input stream."""
    await read(call, INPUT)


def _wanted(call: Call) -> Wanted:
    fields = query(call.scope["query_string"])
    start, wait, limit = fields.get("start"), fields.get("wait"), fields.get("limit")
    return Wanted(
        start if start is None or start == TAIL else whole("start", start),
        WAIT_SECONDS if wait is None else seconds("wait", wait),
        PAGE_CHUNKS_DEFAULT if limit is None else min(whole("limit", limit, 1), PAGE_CHUNKS),
    )


async def _page(call: Call, stream: StreamId, wanted: Wanted) -> Page:
    return await call.service.log.read(
        stream,
        wanted.start,
        most=wanted.limit,
        seconds=min(wanted.wait, call.host.wait_seconds_max, call.time_left()),
        presence=Presence(call),
    )


def _silence(text: str | None) -> float:
    """Return the silence after which an event stream ends. Raises `InvalidIndex`."""
    asked = leading(text) if text is not None else None
    if not asked:
        return SILENCE_SECONDS
    if asked < 1:
        raise InvalidIndex("Timeout seconds must be greater than 0")
    if asked > SILENCE_SECONDS_MAX:
        raise InvalidIndex(f"Timeout seconds must be less than {SILENCE_SECONDS_MAX}")
    return asked


async def _follow(call: Call, stream: StreamId, silence: float) -> None:
    if not call.host.sse:
        raise NoEventStream(
            "Event streams are not served here; ask for application/json",
            url=call.host.streaming_url,
        )
    last = call.header(b"last-event-id")
    seen = event_id(last) if last is not None else None
    start: Start = 0 if seen is None else seen + 1
    if last is None and call.headers.get(b"x-trigger-stream-start") == b"latest":
        start = TAIL
    follower = await call.service.log.follow(
        stream, start, silence=silence, seconds=call.time_left()
    )
    await send_events(call, follower)


router.routes.extend(
    [
        Route("/realtime/v1/streams/{run}/{key}", Endpoint({"GET": read}), name="read"),
        Route(
            "/realtime/v1/streams/{run}/input/{key}",
            Endpoint({"GET": read_input}),
            methods=["GET"],
            name="read_input",
        ),
    ]
)
