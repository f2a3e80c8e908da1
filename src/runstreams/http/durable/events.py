"""A live read of the open protocol as server-sent events: data, and where it stands."""

import asyncio
import json
import re
from base64 import b64encode

from ...core.model import Head, Page, StreamId
from ..call import Call
from ..errors import Headers
from ..live.presence import Presence
from . import telling

SECONDS = 60
"""After how long a live read ends; its reader comes back."""

_BREAK = re.compile(r"\r\n|\r|\n")


async def send_events(
    call: Call, stream: StreamId, head: Head, index: int, known: int | None
) -> None:
    """Send what *stream* holds from *index* on, and what comes. Raises `ClientGone`."""
    await call.start(200, _headers(head))
    log, loop = call.service.log, asyncio.get_running_loop()
    until = loop.time() + min(SECONDS, call.time_left())
    wait, generation = 0.0, head.generation
    async with Presence(call, "events"):
        while True:
            page = await log.read(stream, index, seconds=wait, raw=True)
            if page.generation != generation:
                break
            if page.chunks or page.closed is not None or not wait:
                known = telling.cursor(log.clock(), known)
                await _send(call, _event(head, page, known))
                await log.use(stream, head)
            index, wait = page.next_index, until - loop.time()
            if page.closed is not None or wait <= 0:
                break
    await _send(call, b"", more=False)


def _headers(head: Head) -> Headers:
    told: Headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
    ]
    if not telling.is_text(head):
        told.append((b"stream-sse-data-encoding", b"base64"))
    return told


def _event(head: Head, page: Page, cursor: int) -> bytes:
    """Return a page and where it stands, to be sent at once: many readers look for both."""
    said: dict[str, str | bool] = {"streamNextOffset": telling.offset(page.next_index).decode()}
    if page.closed is None:
        said["streamCursor"] = str(cursor)
    else:
        said["streamClosed"] = True
    if page.next_index == page.tail:
        said["upToDate"] = True
    control = b"event: control\ndata:%b\n\n" % json.dumps(said, separators=(",", ":")).encode()
    return (_data(head, page) if page.chunks else b"") + control


def _data(head: Head, page: Page) -> bytes:
    body = telling.body_of(head, page)
    text = body.decode(errors="replace") if telling.is_text(head) else b64encode(body).decode()
    lines = "".join(f"data:{line}\n" for line in _BREAK.split(text))
    return f"event: data\n{lines}\n".encode()


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
