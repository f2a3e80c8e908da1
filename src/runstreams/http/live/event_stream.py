"""A live reader as a server-sent stream.

Only silence and the end of the stream end it cleanly, since the published clients take a clean end
for completion. Whatever else happens breaks the connection, behind an `event: error`: they come
back, and go on where they were.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

from ...core.following import End, Follower
from ...core.joint import Joint
from ...core.model import Page
from ..call import Call, ClientGone
from ..errors import Headers
from ..trigger import STREAM_VERSION
from .presence import Presence
from .rendering import BROKEN_OFF, DONE, as_event, as_item_event, ended, ping

HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]

_CLEAN = (End.CLOSED, End.SILENT)
"""Ends that clients may take for the end of the stream."""

_LAST_WORD_SECONDS = 0.5
"""How long a reader may take to let the last event in that tells of a break."""


async def send_events(call: Call, follower: Follower) -> None:
    """Send what *follower* finds, until it ends or the process stops. Raises `ClientGone`."""
    await call.start(200, [*HEADERS, STREAM_VERSION])
    async with _breaking_off(call), aclosing(follower.events()) as events:
        async for event in events:
            if isinstance(event, Page):
                await _send(call, as_event(event))
            else:
                await _send(call, ping(call.service.log.clock(), event.head))
    await _end(call, DONE if follower.end in _CLEAN else None)


async def send_items(call: Call, joint: Joint) -> None:
    """Send what *joint* finds of several streams, likewise."""
    await call.start(200, HEADERS)
    async with _breaking_off(call), aclosing(joint.items()) as items:
        async for item in items:
            await _send(call, as_item_event(item, call.service.log.clock()))
    await _end(call, ended(joint.end) if joint.end in _CLEAN else None)


@asynccontextmanager
async def _breaking_off(call: Call) -> AsyncIterator[None]:
    """Send for as long as the client is there and the process goes on; tell the reader of what
    goes wrong.
    """
    try:
        async with Presence(call, "events"):
            yield
    except ClientGone:
        raise
    except Exception:
        await _break_off(call)
        raise


async def _end(call: Call, word: bytes | None) -> None:
    """End with a last *word*; None: break off."""
    if word is None:
        await _break_off(call)
    else:
        await _send(call, word, more=False)


async def _break_off(call: Call) -> None:
    """Tell the reader, if it listens, that this is not the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORD_SECONDS):
            await _send(call, BROKEN_OFF)


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
