"""A live reader as a server-sent stream.

Only silence and the end of the stream end it cleanly, since the published clients take a clean end
for completion. Whatever else happens breaks the connection, behind an `event: error`: they come
back, and go on where they were.
"""

import asyncio
from contextlib import aclosing, suppress

from ...core.following import End, Follower
from ...core.model import Page
from ..call import Call, ClientGone
from ..errors import Headers
from ..trigger import STREAM_VERSION
from .presence import Presence
from .rendering import BROKEN_OFF, DONE, as_event, ping

HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    STREAM_VERSION,
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]

CLEAN = (End.CLOSED, End.SILENT)
"""Ends that clients may take for the end of the stream."""

LAST_WORD_SECONDS = 0.5
"""How long a reader may take to let the last event in that tells of a break."""


async def send_events(call: Call, follower: Follower) -> None:
    """Send what *follower* finds, until it ends or the process stops. Raises `ClientGone`."""
    await call.start(200, HEADERS)
    try:
        async with Presence(call):
            await _send_all(call, follower)
    except ClientGone:
        raise
    except Exception:
        await _break_off(call)
        raise
    if follower.end in CLEAN:
        await _send(call, DONE, more=False)
    else:
        await _break_off(call)


async def _send_all(call: Call, follower: Follower) -> None:
    async with aclosing(follower.events()) as events:
        async for event in events:
            if isinstance(event, Page):
                await _send(call, as_event(event))
            else:
                await _send(call, ping(call.service.log.clock(), event.head))


async def _break_off(call: Call) -> None:
    """Tell the reader, if it listens, that this is not the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORD_SECONDS):
            await _send(call, BROKEN_OFF)


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
