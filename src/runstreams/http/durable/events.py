"""A live read of the open protocol as server-sent events: data, and where it stands."""

import json
from base64 import b64encode
from contextlib import aclosing, suppress
from math import inf

from ...core.errors import IndexExpired, NotThere
from ...core.following import End
from ...core.model import Head, Page, StreamId
from ..call import Call
from ..errors import Headers
from ..live.presence import Presence
from . import headers, texts
from .pages import page_of

SECONDS = 60
"""After how long a live read ends; its reader comes back."""


async def send_events(
    call: Call, stream: StreamId, head: Head, index: int, known: int | None
) -> None:
    """Send what *stream* holds from *index* on, and what comes, to a reader with the cursor
    *known*. Raises `IndexExpired`, `NotThere`, `ClientGone`.
    """
    open_ = await _left_open(call, stream, head, index)
    page = await page_of(call.service.log, stream, head, index)
    await call.start(200, _headers(head))
    async with Presence(call, "events"):
        await _Live(call, stream, head, known, open_).send(page)
    await _send(call, b"", more=False)


async def _left_open(call: Call, stream: StreamId, head: Head, index: int) -> bytes:
    """Return what of the text before *index* was not told there, as it goes on behind it."""
    if not index or not _is_cut(head):
        return b""
    count = min(index, texts.OPEN_BYTES)
    with suppress(IndexExpired):
        page = await call.service.log.read(stream, index - count, most=count, raw=True)
        return texts.whole(headers.body_of(head, page))[1]
    return b""


class _Live:
    """A reader of the stream that *head* is, with the cursor *known*, who was not told yet of what
    was left *open*.
    """

    def __init__(
        self, call: Call, stream: StreamId, head: Head, known: int | None, open_: bytes
    ) -> None:
        self._call = call
        self._log = call.service.log
        self._stream = stream
        self._head = head
        self._known = known
        self._open = open_

    async def send(self, page: Page) -> None:
        """Send *page* and what comes after it, until the stream is closed or gone, or time is
        up.
        """
        await self._tell(page)
        if page.closed is not None:
            return
        index, seconds = page.next_index, min(SECONDS, self._call.time_left())
        only = self._head.generation
        follower = await self._log.follow(
            self._stream, index, silence=inf, seconds=seconds, raw=True, generation=only
        )
        async with aclosing(follower.events()) as events:
            async for event in events:
                if isinstance(event, Page):
                    page = event
                    await self._tell(page)
        if follower.end is End.CLOSED and page.closed is None:
            with suppress(NotThere):  # it ends like a stream that is gone
                at = page.next_index
                await self._tell(await page_of(self._log, self._stream, self._head, at))

    async def _tell(self, page: Page) -> None:
        cursor = headers.cursor(self._log.clock(), self._known)
        data, self._open = _data(self._head, page, self._open)
        # At once, as many readers look for both.
        await _send(self._call, data + _control(page, cursor))
        await self._log.use(self._stream, self._head)


def _headers(head: Head) -> Headers:
    told: Headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
    ]
    if not headers.is_text(head):
        told.append((b"stream-sse-data-encoding", b"base64"))
    return told


def _is_cut(head: Head) -> bool:
    """Say whether the stream is text whose appends may end within a character."""
    return headers.is_text(head) and not head.is_json


def _data(head: Head, page: Page, open_: bytes) -> tuple[bytes, bytes]:
    """Return the event with what *page* holds, behind what was left *open* before it, and what is
    left open by it. It is made once for all who read on from there.
    """
    if not page.chunks and not (open_ and page.closed):
        return b"", open_
    kept, name = page.renderings, f"open data {open_.hex()}"
    if (data := kept.get(name)) is None:
        data, left = _made(head, page, open_)
        kept[name], kept[f"left by {name}"] = data, left
    return data, kept[f"left by {name}"]


def _made(head: Head, page: Page, open_: bytes) -> tuple[bytes, bytes]:
    body = open_ + headers.body_of(head, page) if page.chunks else open_
    if not headers.is_text(head):
        return texts.event(b64encode(body).decode()), b""
    if not _is_cut(head) or page.closed is not None:  # nothing follows
        return texts.event(body.decode(errors="replace")), b""
    text, left = texts.whole(body)
    return texts.event(text), left


def _control(page: Page, cursor: int) -> bytes:
    """Return the event that says where *page* stands, made once for all with the same cursor."""
    name = f"open at {cursor}"
    if (event := page.renderings.get(name)) is None:
        event = page.renderings[name] = _standing(page, cursor)
    return event


def _standing(page: Page, cursor: int) -> bytes:
    said: dict[str, str | bool] = {"streamNextOffset": headers.offset(page.next_index).decode()}
    if page.closed is None:
        said["streamCursor"] = str(cursor)
    else:
        said["streamClosed"] = True
    if page.next_index == page.tail:
        said["upToDate"] = True
    return b"event: control\ndata:%b\n\n" % json.dumps(said, separators=(",", ":")).encode()


async def _send(call: Call, body: bytes, more: bool = True) -> None:
    await call.send({"type": "http.response.body", "body": body, "more_body": more})
