"""A live read of the open protocol as server-sent events: data, and where it stands."""

import json
import re
from base64 import b64encode
from contextlib import aclosing
from math import inf

from ...core.errors import NotThere
from ...core.following import End
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
    """Send what *stream* holds from *index* on, and what comes, to a reader with the cursor
    *known*. Raises `IndexExpired`, `NotThere`, `ClientGone`.
    """
    page = await call.service.log.read(stream, index, raw=True)
    if page.generation != head.generation:
        raise NotThere("the stream is gone")
    await call.start(200, _headers(head))
    async with Presence(call, "events"):
        await _Live(call, stream, head, known).send(page)
    await _send(call, b"", more=False)


class _Live:
    """A reader of the stream that *head* is, with the cursor *known*."""

    def __init__(self, call: Call, stream: StreamId, head: Head, known: int | None) -> None:
        self._call = call
        self._log = call.service.log
        self._stream = stream
        self._head = head
        self._known = known

    async def send(self, page: Page) -> None:
        """Send *page* and what comes after it, until the stream is closed or gone, or time is
        up.
        """
        await self._tell(page)
        if page.closed is not None:
            return
        index, seconds = page.next_index, min(SECONDS, self._call.time_left())
        follower = await self._log.follow(
            self._stream, index, silence=inf, seconds=seconds, raw=True
        )
        async with aclosing(follower.events()) as events:
            async for event in events:
                now = event if isinstance(event, Page) else event.head
                if now is None or now.generation != self._head.generation:
                    return
                if isinstance(event, Page):
                    page = event
                    await self._tell(page)
        if follower.end is End.CLOSED and page.closed is None:
            await self._tell(await self._log.read(self._stream, page.next_index, raw=True))

    async def _tell(self, page: Page) -> None:
        cursor = telling.cursor(self._log.clock(), self._known)
        await _send(self._call, _event(self._head, page, cursor))
        await self._log.use(self._stream, self._head)


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
    """Return a page and where it stands, to be sent at once: many readers look for both. What is
    the same for many is made once.
    """
    kept = page.renderings
    if (data := kept.get("open data")) is None:
        data = kept["open data"] = _data(head, page)
    name = f"open at {cursor}"
    if (control := kept.get(name)) is None:
        control = kept[name] = _control(page, cursor)
    return data + control


def _control(page: Page, cursor: int) -> bytes:
    said: dict[str, str | bool] = {"streamNextOffset": telling.offset(page.next_index).decode()}
    if page.closed is None:
        said["streamCursor"] = str(cursor)
    else:
        said["streamClosed"] = True
    if page.next_index == page.tail:
        said["upToDate"] = True
    return b"event: control\ndata:%b\n\n" % json.dumps(said, separators=(",", ":")).encode()


def _data(head: Head, page: Page) -> bytes:
    if not page.chunks:
        return b""
    body = telling.body_of(head, page)
    text = body.decode(errors="replace") if telling.is_text(head) else b64encode(body).decode()
    lines = "".join(f"data:{line}\n" for line in _BREAK.split(text))
    return f"event: data\n{lines}\n".encode()


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
