"""The routes of the open protocol Durable Streams: another way to the same streams."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import quote

from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from ...core.access import SECRET_KEY, Grant, of_stream
from ...core.entries import Entry
from ...core.errors import InvalidRequest, RunstreamsError
from ...core.forking import Wish
from ...core.limits import KIB, LAMBDA_BODY_BYTES, WAIT_SECONDS
from ...core.model import Head, Page, StreamId
from ..call import Call, Endpoint, require
from ..durable import headers
from ..durable.events import send_events
from ..durable.names import stream_of
from ..durable.pages import page_of
from ..durable.requests import (
    NOW,
    PATH,
    Wanted,
    asked_read,
    charter_of,
    closes,
    entry_of,
    wish_of,
)
from ..errors import NO_STORE, Headers, refusal, status_of
from ..live.presence import Presence
from .parameters import check_event_stream, longest_wait

BODY_BYTES = LAMBDA_BODY_BYTES
"""Largest body of an entry: it is one batch, here as in a function."""

ASIDE_BYTES = 32 * KIB
"""A larger body is taken apart beside the event loop. One of this size takes 20 ms, if its values
are the smallest; the largest takes seconds, in which nobody else would be served.
"""

_aside = ThreadPoolExecutor(1, "runstreams-entries")
"""One thread, so that large bodies come out of it as they came."""


class DurableEndpoint(Endpoint):
    """What the path of the open protocol does by some of its methods, the others being answered
    elsewhere: each answer has its headers, refusals as well.
    """

    def __init__(self, *methods: str) -> None:
        super().__init__({method: _ACTIONS[method] for method in methods})
        self.allow = ", ".join(_ACTIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                message["headers"] = [*message["headers"], *headers.SAFE]
            await send(message)

        try:
            await super().__call__(scope, receive, sending)
        except RunstreamsError as error:
            if began or status_of(type(error)) >= 500:
                raise
            scope["app"].service.host.observer.refused(error.code)
            await _refuse(scope, sending, error)


async def _refuse(scope: Scope, send: Send, error: RunstreamsError) -> None:
    status, plain, body = refusal(error, scope["runstreams.request_id"])
    told = [*plain, *headers.facts(error)]
    await send({"type": "http.response.start", "status": status, "headers": told})
    sent = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": sent})


async def create(call: Call) -> None:
    """Create a stream, or find it as it was asked for; what it begins with may come along."""
    stream = _stream(call, "write")
    if (wish := wish_of(call)) is not None:
        require(_grant(call), ("read",), *of_stream(wish.source))
        head, is_new = await _fork(call, stream, wish)
    else:
        charter = charter_of(call)
        entry = await _taken_apart(call, await call.body(BODY_BYTES), charter.content_type)
        head, is_new = await call.service.log.found(stream, charter, entry)
    told = headers.description(head)
    if is_new:
        told.append((b"location", _url(call)))
    await _answer(call, 201 if is_new else 200, b"", told)


async def _fork(call: Call, stream: StreamId, wish: Wish) -> tuple[Head, bool]:
    """Create a stream that begins with what another one holds."""
    body = await call.body(BODY_BYTES)
    return await call.service.log.fork(stream, wish, partial(_taken_apart, call, body))


async def append(call: Call) -> None:
    """Append to a stream, close it, or both."""
    stream = _stream(call, "write")
    body = await call.body(BODY_BYTES)
    written = await call.service.log.write(stream, await _entry(call, body))
    head, count = written.head, len(body)
    told = [headers.next_offset(head.tail), *headers.turn(written.turn)]
    if head.closed is not None:
        told.append(headers.CLOSED)
    is_told = written.turn is not None and not written.repeated and count
    await _answer(call, 200 if is_told else 204, b"", told)


async def _entry(call: Call, body: bytes) -> Entry:
    content_type = call.header(b"content-type")
    if not body and not closes(call):
        raise InvalidRequest("there is nothing to append")
    if body and content_type is None:
        raise InvalidRequest("an append needs a Content-Type")
    entry = await _taken_apart(call, body, content_type or "")
    if body and not entry.count:
        raise InvalidRequest("an empty array appends nothing")
    return entry


async def _taken_apart(call: Call, body: bytes, content_type: str) -> Entry:
    """Return what an append or a creation writes. Raises what `entry_of` does."""
    if len(body) <= ASIDE_BYTES:
        return entry_of(call, body, content_type)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_aside, entry_of, call, body, content_type)


async def read(call: Call) -> None:
    """Send what a stream holds from an offset on; live, wait for more."""
    stream, wanted = _stream(call, "read"), asked_read(call)
    log = call.service.log
    head = await _there(call, stream)
    index = head.tail if wanted.start == NOW else min(wanted.start, head.tail)
    await log.use(stream, head)
    if wanted.live == "sse":
        check_event_stream(call)
        with call.reading(_grant(call)):
            await send_events(call, stream, head, index, wanted.cursor)
        return
    wait = longest_wait(call, WAIT_SECONDS) if wanted.live else 0
    with call.reading(_grant(call)):
        page = await page_of(log, stream, head, index, wait, Presence(call))
    await _answer_read(call, head, index, wanted, page)


async def _answer_read(call: Call, head: Head, index: int, wanted: Wanted, page: Page) -> None:
    told = headers.state(page)
    if wanted.live and page.closed is None:
        cursor = headers.cursor(call.service.log.clock(), wanted.cursor)
        told.append((b"stream-cursor", b"%d" % cursor))
    if wanted.live and not page.chunks:
        await _answer(call, 204, b"", [*told, NO_STORE])
        return
    told.append(headers.content_type(head))
    if wanted.start == NOW:
        await _answer(call, 200, headers.body_of(head, page), [*told, NO_STORE])
        return
    tag = headers.etag(page, index)
    told += [(b"etag", tag), headers.CACHED]
    if call.headers.get(b"if-none-match") == tag:
        await _answer(call, 304, b"", told)
    else:
        await _answer(call, 200, headers.body_of(head, page), told)


async def describe(call: Call) -> None:
    """Tell of a stream without using it."""
    head = await _there(call, _stream(call, "read"))
    await _answer(call, 200, b"", [*headers.description(head), NO_STORE])


async def delete(call: Call) -> None:
    """Delete a stream."""
    stream = _stream(call, "manage")
    log = call.service.log
    if not await log.delete(stream):
        raise await log.absence(stream)
    await _answer(call, 204, b"", [])


async def _there(call: Call, stream: StreamId) -> Head:
    log = call.service.log
    if (head := await log.head(stream)) is None:
        raise await log.absence(stream)
    return head


def _stream(call: Call, action: str) -> StreamId:
    """Return the stream that the path names, if the caller may do *action* to it."""
    grant, stream = _grant(call), stream_of(call.part("name"))
    require(grant, (action,), *of_stream(stream))
    return stream


def _grant(call: Call) -> Grant:
    """Return what the caller may do: everything, where nobody is asked for a key."""
    if call.host.anonymous and b"authorization" not in call.headers:
        return SECRET_KEY
    return call.grant()


def _url(call: Call) -> bytes:
    scheme = call.headers.get(b"x-forwarded-proto", call.scope.get("scheme", "http").encode())
    return b"%b://%b%b" % (scheme, call.headers.get(b"host", b"localhost"), _path(call))


def _path(call: Call) -> bytes:
    """Return the path as it was asked for, a gateway's stage included."""
    asked = call.scope.get("aws.event", {}).get("requestContext", {}).get("path")
    if asked is not None:
        return quote(asked, safe="/%").encode()
    raw: bytes | None = call.scope.get("raw_path")
    return raw or quote(call.scope["path"]).encode()


async def _answer(call: Call, status: int, body: bytes, told: Headers) -> None:
    length: Headers = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
    await call.start(status, [*length, *told])
    await call.send({"type": "http.response.body", "body": body})


_ACTIONS: dict[str, Callable[[Call], Awaitable[None]]] = {
    "PUT": create,
    "POST": append,
    "GET": read,
    "HEAD": describe,
    "DELETE": delete,
}


def _router(*methods: str) -> Router:
    return Router([Route(PATH + "{name:path}", DurableEndpoint(*methods), name="durable")])


router = _router(*_ACTIONS)
"""All of it, where one process serves everything."""

writing, reading, deleting = _router("PUT", "POST"), _router("GET", "HEAD"), _router("DELETE")
"""Its parts, each for a function that may do no more."""
