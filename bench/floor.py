"""What uvicorn itself takes: an ASGI application that checks nothing and keeps nothing.

It answers appends with 204, and hands each on to whoever waits, as a long poll or as server-sent
events. No Python server under uvicorn can be faster than this. Where a folder is named in
`BENCH_FLOOR`, each append is one SQLite commit there: the least that a durable server does.
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_JSON = [(b"content-type", b"application/json")]
_EVENTS = [(b"content-type", b"text/event-stream")]


class _Stream:
    """The newest chunk, and who waits for the next."""

    def __init__(self) -> None:
        self.last = b""
        self.tail = 0
        self.news = asyncio.Event()

    def append(self, body: bytes) -> None:
        self.last = body
        self.tail += 1
        self.news.set()
        self.news = asyncio.Event()


_streams: dict[str, _Stream] = {}
_folder = os.environ.get("BENCH_FLOOR")


def _database(folder: str) -> sqlite3.Connection:
    database = sqlite3.connect(os.path.join(folder, "floor.sqlite"), isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL").fetchall()
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE batches (id INTEGER PRIMARY KEY, body BLOB)")
    return database


_kept = _database(_folder) if _folder else None


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer any request."""
    if scope["type"] != "http":
        return
    stream = _streams.setdefault(scope["path"].split("/")[4], _Stream())
    if scope["method"] != "GET":
        body = await _body(receive)
        if _kept is not None:
            _kept.execute("INSERT INTO batches (body) VALUES (?)", (body,))
        stream.append(body)
        await _start(send, 204, [])
        await send({"type": "http.response.body"})
    elif (b"accept", b"text/event-stream") in scope["headers"]:
        await _listen(stream, send)
    else:
        await _poll(stream, scope["query_string"], send)


async def _poll(stream: _Stream, query: bytes, send: Send) -> None:
    start = int(query.split(b"&")[0].partition(b"=")[2])
    if start == stream.tail:
        await stream.news.wait()
    body = b'{"chunks":[%s],"next_index":%d,"tail":%d}' % (stream.last, stream.tail, stream.tail)
    await _start(send, 200, [*_JSON, (b"content-length", b"%d" % len(body))])
    await send({"type": "http.response.body", "body": body})


async def _listen(stream: _Stream, send: Send) -> None:
    await _start(send, 200, _EVENTS)
    while True:
        await stream.news.wait()
        event = b"data: %s\n\n" % stream.last
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
