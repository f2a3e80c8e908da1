"""A live reader as a server-sent stream.

Only silence and the end of the stream end it cleanly, since the published clients take a clean end
for completion. Whatever else happens breaks the connection: they come back, and go on where they
were.
"""

from contextlib import aclosing

from ...core.following import End, Follower
from ...core.model import Page
from ..call import Call
from ..errors import Headers
from .presence import Presence
from .rendering import DONE, as_event, ping

HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"x-stream-version", b"v2"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]

CLEAN = (End.CLOSED, End.SILENT)
"""Ends that clients may take for the end of the stream."""


async def send_events(call: Call, follower: Follower) -> None:
    """Send what *follower* finds, until it ends or the process stops. Raises `ClientGone`."""
    await call.start(200, HEADERS)
    async with Presence(call), aclosing(follower.events()) as events:
        async for event in events:
            if isinstance(event, Page):
                await _send(call, as_event(event))
            else:
                await _send(call, ping(call.service.log.clock(), event.head))
    if follower.end in CLEAN:
        await _send(call, DONE, more=False)


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
