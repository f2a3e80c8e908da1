"""What each server is asked, byte for byte: the same things in each one's protocol."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Protocol
from urllib.parse import quote

from .http1 import Response, request

OPEN = "open protocol"
"""What the name of a server of ours has in it that is asked as the reference is."""

_NEXT = re.compile(rb'"next_index": ?(\d+)')
_TAIL = re.compile(rb'"tail": ?(\d+)')


def mark(number: int) -> bytes:
    """Return what tells a chunk from all others, however it is quoted on its way."""
    return b"n%09d" % number


def chunk(number: int, size: int) -> bytes:
    """Return a JSON value of exactly *size* bytes with its mark in it."""
    start = b'{"n":"%s","text":"' % mark(number)
    return start + b"x" * (size - len(start) - 2) + b'"}'


class Wire(Protocol):
    """How one server is spoken to."""

    def create(self, stream: str) -> bytes:
        """Ask for a new stream."""

    def append(self, stream: str, writer: str, number: int, chunks: Sequence[bytes]) -> bytes:
        """Append *chunks*; the first is the writer's chunk *number*."""

    def poll(self, stream: str, position: bytes, wait: int) -> bytes:
        """Ask for a page from *position* on, waiting for it."""

    def after(self, response: Response) -> tuple[bytes, bool]:
        """Return the position after a page, and whether that was the end of the stream."""

    def listen(self, stream: str) -> bytes:
        """Ask for server-sent events from the first chunk on."""

    start: bytes
    """The position of the first chunk."""


def appends(wire: Wire, stream: str, writer: str, size: int, batch: int) -> Iterator[bytes]:
    """Yield one writer's appends, *batch* chunks each, without end.

    They are the same chunks again and again, since making others would take time from the load.
    """
    chunks = [chunk(at, size) for at in range(batch)]
    for number in count(0, batch):
        yield wire.append(stream, writer, number, chunks)


class Ours:
    """The protocol of runstreams; a stream's name is its run id."""

    start = b"0"

    def __init__(self, secret: str) -> None:
        self._key = f"Authorization: Bearer {secret}\r\n".encode()

    def create(self, stream: str) -> bytes:
        return request("PUT", self._path(stream, "self/default"), self._key)

    def append(self, stream: str, writer: str, number: int, chunks: Sequence[bytes]) -> bytes:
        headers = b"%sX-Client-Id: %s\r\nX-Resume-From-Chunk: %d\r\nContent-Type: %s\r\n" % (
            self._key,
            writer.encode(),
            number,
            b"application/json",
        )
        body = b"\n".join((*chunks, b""))
        return request("POST", self._path(stream, "self/default"), headers, body)

    def append_text(self, stream: str, part: bytes) -> bytes:
        """Append one part as text, the way `streams.append` does."""
        return request("POST", self._path(stream, "self/default/append"), self._key, part)

    def poll(self, stream: str, position: bytes, wait: int) -> bytes:
        query = f"?start={position.decode()}&wait={wait}&limit=10000"
        headers = self._key + b"Accept: application/json\r\n"
        return request("GET", self._path(stream, "default") + query, headers)

    def after(self, response: Response) -> tuple[bytes, bool]:
        next_index, tail = _last(_NEXT, response.body), _last(_TAIL, response.body)
        return next_index, next_index == tail

    def listen(self, stream: str) -> bytes:
        headers = self._key + b"Accept: text/event-stream\r\nTimeout-Seconds: 600\r\n"
        return request("GET", self._path(stream, "default"), headers)

    def _path(self, stream: str, rest: str) -> str:
        return f"/realtime/v1/streams/{quote(stream)}/{rest}"


class Open:
    """The open protocol Durable Streams, in JSON mode, without its optional producer headers."""

    start = b"-1"

    def __init__(self, secret: str | None = None) -> None:
        """Say who asks where a *secret* is given: the reference server knows no keys."""
        self._key = b"" if secret is None else f"Authorization: Bearer {secret}\r\n".encode()
        self._json = self._key + b"Content-Type: application/json\r\n"

    def create(self, stream: str) -> bytes:
        return request("PUT", self._path(stream), self._json)

    def append(self, stream: str, writer: str, number: int, chunks: Sequence[bytes]) -> bytes:
        body = chunks[0] if len(chunks) == 1 else b"[%s]" % b",".join(chunks)
        return request("POST", self._path(stream), self._json, body)

    def poll(self, stream: str, position: bytes, wait: int) -> bytes:
        live = "&live=long-poll" if wait else ""
        # Before the first chunk "-1" would be answered at once, and "now" waits for it.
        offset = "now" if wait and position == self.start else position.decode()
        return request("GET", f"{self._path(stream)}?offset={offset}{live}", self._key)

    def after(self, response: Response) -> tuple[bytes, bool]:
        at_end = response.header(b"stream-up-to-date") == b"true"
        return response.header(b"stream-next-offset"), at_end

    def listen(self, stream: str) -> bytes:
        return request("GET", f"{self._path(stream)}?offset=-1&live=sse", self._key)

    def _path(self, stream: str) -> str:
        return f"/v1/stream/{quote(stream)}/default"


class RedisStreams:
    """What the application before Redis streams is asked."""

    start = b"0"

    def create(self, stream: str) -> bytes:
        return request("PUT", self._path(stream))

    def append(self, stream: str, writer: str, number: int, chunks: Sequence[bytes]) -> bytes:
        return request("POST", self._path(stream), body=b"\n".join(chunks))

    def poll(self, stream: str, position: bytes, wait: int) -> bytes:
        query = f"?after={position.decode()}&wait={'true' if wait else 'false'}"
        return request("GET", self._path(stream) + query)

    def after(self, response: Response) -> tuple[bytes, bool]:
        last, at_end = response.body[-60:].rsplit(b'"last":"')[-1].split(b'","at_end":')
        return last, at_end == b"true}"

    def listen(self, stream: str) -> bytes:
        return request("GET", self._path(stream), b"Accept: text/event-stream\r\n")

    def _path(self, stream: str) -> str:
        return f"/streams/{quote(stream)}"


def _last(pattern: "re.Pattern[bytes]", body: bytes) -> bytes:
    """Return a number of a page's envelope, which stands at its beginning or at its end."""
    found = pattern.search(body[-300:]) or pattern.search(body[:300])
    if found:
        return found[1]
    name = pattern.pattern.split(b'"')[1].decode()
    return str(json.loads(body)[name]).encode()
