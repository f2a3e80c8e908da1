"""A server-sent stream: everything from an index on, then what comes, for as long as it comes.

Only silence and the end of the stream end it cleanly, since the published clients take a clean end
for completion. Whatever else happens breaks the connection: they come back, and go on where they
were.
"""

import asyncio

from ...core.errors import ObjectMissing
from ...core.limits import EVENT_BYTES, EVENT_CHUNKS, PING_SECONDS
from ...core.model import Head, Page, StreamId
from ..call import Call
from ..errors import Headers
from .presence import Presence, Stopping
from .rendering import DONE, as_event, ping

HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"x-stream-version", b"v2"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]

TICK = 0.001
"""Timers may ring a little early; what is due so soon is due."""


class EventStream:
    """One reader of a stream, until it ends."""

    def __init__(
        self, call: Call, stream: StreamId, head: Head | None, index: int, silence: float
    ) -> None:
        """Begin at *index*, where *head* is known, and end after *silence* seconds of it."""
        self._call = call
        self._log = call.service.log
        self._stream = stream
        self._head = head
        self._index = index
        self._silence = silence
        self._cursor = self._log.cursor(stream)
        self._live = False
        self._time = asyncio.get_running_loop().time
        self._silent_at = self._time() + silence
        self._ping_at = self._time() + PING_SECONDS
        self._broken_at = self._time() + call.time_left()

    async def follow(self) -> None:
        """Send the stream. Raises `ClientGone`; returns without an end when the process stops."""
        await self._call.start(200, HEADERS)
        try:
            async with Presence(self._call):
                with self._log.watching(self._stream, self._head):
                    at_end = await self._send_all()
        except Stopping:
            return
        if at_end:
            await self._send(DONE, more=False)

    async def _send_all(self) -> bool:
        """Send until the end of the stream or silence; return False when the host's time is up."""
        while not self._is_at_end():
            if self._is_behind():
                await self._send_page()
            elif not await self._wait():
                return True
            if self._is_due(self._broken_at):
                return False
        return True

    def _is_behind(self) -> bool:
        return self._head is not None and self._index < self._head.tail

    def _is_at_end(self) -> bool:
        return self._head is not None and self._head.closed is not None and not self._is_behind()

    async def _send_page(self) -> None:
        try:
            page = await self._page()
        except ObjectMissing:
            await self._begin_anew()
            return
        if page.chunks:
            await self._send(as_event(page))
            self._silent_at = self._time() + self._silence
        self._index = page.next_index
        # A long replay lets others have their turn, and what is sent leaves before we wait again.
        await asyncio.sleep(0)

    async def _page(self) -> Page:
        assert self._head is not None
        if self._live:
            return await self._call.service.pages.page(
                self._cursor, self._head, self._index, EVENT_CHUNKS, EVENT_BYTES
            )
        return await self._cursor.page(
            self._head, self._index, exact=False, most=EVENT_CHUNKS, size=EVENT_BYTES
        )

    async def _wait(self) -> bool:
        """Wait for news, or until it is time for a ping; return False when silence has lasted."""
        until = min(self._silent_at, self._ping_at, self._broken_at)
        seconds = until - self._time()
        news = await self._log.beyond(self._stream, self._head, self._index, seconds)
        self._adopt(news)
        if self._is_behind() or self._is_at_end():
            self._live = True
        elif self._is_due(self._silent_at):
            return False
        elif self._is_due(self._ping_at):
            await self._send(ping(self._log.clock(), self._head))
        return True

    def _is_due(self, moment: float) -> bool:
        return moment - self._time() < TICK

    async def _begin_anew(self) -> None:
        """Go on with the stream that has taken this one's place. Raises `ObjectMissing` when it is
        still this one: then a chunk is lost.
        """
        head = await self._log.head(self._stream)
        if _generation(head) == _generation(self._head):
            raise ObjectMissing(f"chunk {self._index} is not where the head says")
        self._head, self._index = head, 0
        self._cursor = self._log.cursor(self._stream)

    def _adopt(self, head: Head | None) -> None:
        if self._head is not None and _generation(head) not in (None, self._head.generation):
            self._index = 0
            self._cursor = self._log.cursor(self._stream)
        self._head = head

    async def _send(self, body: bytes, more: bool = True) -> None:
        await self._call.send({"type": "http.response.body", "body": body, "more_body": more})
        self._ping_at = self._time() + PING_SECONDS


def _generation(head: Head | None) -> str | None:
    return head.generation if head is not None else None
