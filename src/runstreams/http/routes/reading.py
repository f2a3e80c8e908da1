"""Routes that read: a long poll, or an event stream when one is asked for."""

from typing import NamedTuple

from starlette.routing import Route, Router

from ...core.access import of_stream
from ...core.errors import NoEventStream
from ...core.limits import (
    PAGE_CHUNKS,
    PAGE_CHUNKS_DEFAULT,
    WAIT_SECONDS,
)
from ...core.log import TAIL, Start
from ...core.model import Page, StreamId
from .. import trigger
from ..call import Call, Endpoint, require
from ..fields import query, seconds, whole
from ..live.event_stream import send_events
from ..live.presence import Presence
from ..live.rendering import as_json

router = Router()


class _Wanted(NamedTuple):
    """What a long poll asks for."""

    start: Start | None
    wait: float
    limit: int


async def read(call: Call, prefix: str = "") -> None:
    """Send chunks of a stream, waiting for the first one; its key is the path's after *prefix*."""
    grant = call.grant()
    if b"text/event-stream" in call.headers.get(b"accept", b"").lower():
        stream, silence = call.stream(prefix), trigger.silence(call.headers)
        require(grant, ("read",), *of_stream(stream))
        with call.reading(grant):
            await _follow(call, stream, silence)
    else:
        wanted, stream = _wanted(call), call.stream(prefix)
        require(grant, ("read",), *of_stream(stream))
        with call.reading(grant):
            page = await _page(call, stream, wanted)
        no_store = (b"cache-control", b"no-store, no-transform")
        await call.answer(200, as_json(page), [no_store])


async def read_input(call: Call) -> None:
    """Send what was sent to an input stream."""
    await read(call, trigger.INPUT)


def _wanted(call: Call) -> _Wanted:
    fields = query(call.scope["query_string"])
    start, wait, limit = fields.get("start"), fields.get("wait"), fields.get("limit")
    return _Wanted(
        start if start is None or start == TAIL else whole("start", start),
        WAIT_SECONDS if wait is None else seconds("wait", wait),
        PAGE_CHUNKS_DEFAULT if limit is None else min(whole("limit", limit, 1), PAGE_CHUNKS),
    )


async def _page(call: Call, stream: StreamId, wanted: _Wanted) -> Page:
    return await call.service.log.read(
        stream,
        wanted.start,
        most=wanted.limit,
        seconds=min(wanted.wait, call.host.wait_seconds_max, call.time_left()),
        presence=Presence(call),
    )


async def _follow(call: Call, stream: StreamId, silence: float) -> None:
    if not call.host.sse:
        raise NoEventStream(
            "Event streams are not served here; ask for application/json",
            url=call.host.streaming_url,
        )
    start = trigger.first_event(call.headers)
    follower = await call.service.log.follow(
        stream, TAIL if start is None else start, silence=silence, seconds=call.time_left()
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
