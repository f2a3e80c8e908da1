"""Routes that read: a long poll, or an event stream when one is asked for."""

from starlette.routing import Route, Router

from ...core.access import of_stream
from ...core.errors import NoEventStream
from ...core.model import TAIL, Page, StreamId
from .. import trigger
from ..call import JSON, Call, Endpoint, require
from ..live.event_stream import send_events
from ..live.presence import Presence
from ..live.rendering import as_json
from ..live.sharing import with_pages
from ..origin import is_behind_cache
from .following import follow
from .pages import page
from .parameters import (
    NO_STORE,
    LongPoll,
    asked_page,
    check_event_stream,
    longest_wait,
    wants_events,
)

router = Router()


async def read(call: Call, prefix: str = "") -> None:
    """Send chunks of a stream, waiting for the first one; its key is the path's after *prefix*."""
    grant = call.grant()
    if wants_events(call):
        stream, silence = call.stream(prefix), trigger.silence(call.headers)
        require(grant, ("read",), *of_stream(stream))
        with call.reading(grant):
            await _follow(call, stream, silence)
    else:
        wanted, stream = asked_page(call), call.stream(prefix)
        require(grant, ("read",), *of_stream(stream))
        with call.reading(grant):
            found = await _page(call, stream, wanted)
        if is_behind_cache(call.headers):
            body = with_pages(found, call.service.log.clock())
        else:
            body = as_json(found)
        await call.answer(200, body, [NO_STORE])


async def read_input(call: Call) -> None:
    """Send what was sent to an input stream."""
    await read(call, trigger.INPUT)


async def _page(call: Call, stream: StreamId, wanted: LongPoll) -> Page:
    return await call.service.log.read(
        stream,
        wanted.start,
        most=wanted.limit,
        seconds=longest_wait(call, wanted.wait),
        presence=Presence(call),
    )


async def _follow(call: Call, stream: StreamId, silence: float) -> None:
    if is_behind_cache(call.headers) and JSON in call.headers[b"accept"].lower():
        raise NoEventStream("Many share pages here; ask for application/json", url=None)
    check_event_stream(call)
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
        Route("/realtime/v1/pages/{run}/{key}", Endpoint({"GET": page}), name="page"),
        Route("/realtime/v1/runs/{run}/follow", Endpoint({"POST": follow}), name="follow"),
    ]
)
