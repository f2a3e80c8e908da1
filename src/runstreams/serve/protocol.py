"""uvicorn's HTTP protocol, with a limit for heads, our errors for what is no HTTP, and answers that
HTTP/1.0 understands.

What cannot be understood never gets as far as an application. Here it does: the API itself refuses
it, so that a refusal looks like every other, and comes when those before it are answered.

It overrides callbacks of uvicorn's parser and makes a cycle of its own:
https://github.com/Kludex/uvicorn/blob/main/uvicorn/protocols/http/httptools_impl.py.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..core.errors import InvalidRequest, RunstreamsError
from ..http.errors import HeadTooLarge

HEAD_BYTES = 65_536
"""Most bytes of a request line with its headers. httptools would collect them without end."""

PIECE_BYTES = 262_144
"""Most bytes that arrive at a time: uvloop reads 250 KiB, asyncio's own loop 256."""

AHEAD = 64
"""Most requests that may wait on one connection for those before them to be answered."""

_LINGER_SECONDS = 2
"""How long a refused client is still listened to. A connection that is closed with unread data in
it is reset, and then the refusal is lost as well.
"""


OLD = ("0.9", "1.0")
"""Versions of HTTP in which an answer is not sent in pieces that tell their sizes."""

RESET, FLUSH = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
"""How a socket ends: by a reset, or with all that was written."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_body = False
        self._refused = False
        self._piece = 0
        # Bytes in the pieces since something was complete, with the piece in which it was: never
        # less than what the parser holds of a head, and hardly dearer than not to count.
        self._came = 0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn leaves it running where the connection was reset, and it holds all of this.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._piece = len(data)
        self._came += self._piece
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            pass  # there is nothing to upgrade to: it is answered like any other
        except HttpParserError as error:
            self._refuse(_reason(error))
        else:
            if self._came > HEAD_BYTES + PIECE_BYTES:
                self._refuse(_too_large(self._came))

    def on_headers_complete(self) -> None:
        if self._came > HEAD_BYTES:
            self._check_size()
        if len(self.pipeline) >= AHEAD:
            raise InvalidRequest(f"more than {AHEAD} requests were sent ahead of their answers")
        if self.parser.get_http_version() in OLD:
            self.expect_100_continue = False  # it would be taken for the answer
        super().on_headers_complete()
        self._in_body = True
        self._came = 0
        self.headers = []  # trailers are not added to the headers that the application has

    def on_body(self, body: bytes) -> None:
        self._came = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._came = self._piece
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        is_old = cycle.scope["http_version"] in OLD
        super()._start_asgi_task(cycle, cast(Any, _Unframed(cycle, app)) if is_old else app)

    def _check_size(self) -> None:
        """Raise `HeadTooLarge` if the head is."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES:
            raise _too_large(size)

    def _refuse(self, error: RunstreamsError) -> None:
        """Answer *error* in the place of the request that was being read, and read no more."""
        self._refused = True
        if not self._in_body:
            self._enqueue(self._refusal(self._scope(), error))
        elif not self.cycle.response_started:
            self._replace(self._refusal({**self.cycle.scope}, error))
        elif self.cycle.response_complete:
            self._part()
            self._linger()
        else:
            self.transport.close()

    def _scope(self) -> dict[str, Any]:
        """Return what is known of a request whose head is not complete."""
        method = self.parser.get_method().decode("ascii") if self.url else "-"
        path = self.url.partition(b"?")[0]
        return {**self.scope, "method": method, "path": "-", "raw_path": path, "query_string": b""}

    def _refusal(self, scope: dict[str, Any], error: RunstreamsError) -> RequestResponseCycle:
        transport = SimpleNamespace(
            write=self.transport.write,
            is_closing=self.transport.is_closing,
            close=self._part,
            get_extra_info=self.transport.get_extra_info,
        )
        cycle = RequestResponseCycle(
            scope=cast(Any, {**scope, "runstreams.refused": error}),
            transport=cast(asyncio.Transport, transport),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self._linger,
        )
        cycle.more_body = False
        return cycle

    def _enqueue(self, refusal: RequestResponseCycle) -> None:
        """Answer it when those before it are answered."""
        before, self.cycle = self.cycle, refusal
        if before is None or before.response_complete:
            self._start_asgi_task(refusal, self.app)
        else:
            self.pipeline.appendleft((refusal, self.app))

    def _replace(self, refusal: RequestResponseCycle) -> None:
        """Answer it instead of a request whose body breaks off here."""
        broken, self.cycle = self.cycle, refusal
        if self.pipeline:  # the broken one is the last in it, and nobody has begun with it
            self.pipeline[0] = (refusal, self.app)
            return
        broken.disconnected = True
        broken.waiting_for_100_continue = False
        broken.message_event.set()
        self._start_asgi_task(refusal, self.app)

    def _part(self) -> None:
        """End our side of the connection."""
        with suppress(OSError, RuntimeError):  # the client's side has ended as well
            self.transport.write_eof()

    def _linger(self) -> None:
        """Close the connection when the client does, or soon."""
        self.flow.resume_reading()
        self.timeout_keep_alive_task = self.loop.call_later(
            _LINGER_SECONDS, self.timeout_keep_alive_handler
        )


class _Unframed:
    """An application whose answer is sent as it is, and ends with the connection.

    So its end is the only thing that tells a whole answer from one that is broken off: until all is
    said, whatever ends the connection resets it.
    """

    def __init__(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        self._cycle = cycle
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._cycle.chunked_encoding = False
                self._end_by(RESET)
            else:
                # uvicorn compares with what the headers have told, which may be nothing.
                self._cycle.expected_content_length = len(message.get("body", b""))
                if not message.get("more_body"):
                    self._end_by(FLUSH)
            await send(message)

        await self._app(scope, receive, sending)

    def _end_by(self, how: bytes) -> None:
        connection = self._cycle.transport.get_extra_info("socket")
        with suppress(OSError):  # it has ended already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)


def _reason(error: HttpParserError) -> RunstreamsError:
    """Return what *error* of the parser means."""
    cause = error.__context__ if isinstance(error, HttpParserCallbackError) else error
    if isinstance(cause, RunstreamsError):
        return cause
    if isinstance(cause, HttpParserInvalidURLError):
        return InvalidRequest(f"Invalid HTTP request: {cause}; names in a path are percent-encoded")
    if isinstance(cause, HttpParserError):
        return InvalidRequest(f"Invalid HTTP request: {cause}")
    return InvalidRequest("Invalid HTTP request: the address has no path")


def _too_large(size: int) -> HeadTooLarge:
    return HeadTooLarge("Request headers too large", limit=HEAD_BYTES, size=size)
