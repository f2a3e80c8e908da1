"""The load: connections that ask, pumps that ask without pause, followers that wait for chunks."""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TypeVar, cast

from .http1 import Response, Responses

PATIENCE_SECONDS = 30
"""Longest wait for any one answer; a server that takes longer has failed."""


class Failed(Exception):
    """A server did not answer as it should; nothing can be measured."""


class Connection(asyncio.Protocol):
    """One connection to a server."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._responses = Responses()
        self._done: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's by class.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(Failed("the server broke the connection"))
            self._done.exception()  # looked at, whether or not anybody waits

    def send(self, data: bytes) -> None:
        """Write a request."""
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection."""
        self._done.cancel()
        if self._transport is not None:
            self._transport.abort()


AnyConnection = TypeVar("AnyConnection", bound=Connection)


async def connect(port: int, kind: Callable[[], AnyConnection]) -> AnyConnection:
    """Open a connection of some *kind* to a server on this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(kind, "127.0.0.1", port)
    return connection


class Asker(Connection):
    """Asks for one thing at a time and waits for the answer."""

    async def ask(self, request: bytes) -> Response:
        """Return the answer to *request*."""
        self._done = asyncio.get_running_loop().create_future()
        self.send(request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return succeeded(await self._done)

    def data_received(self, data: bytes) -> None:
        for response in self._responses.feed(data):
            self._done.set_result(response)


class Pump(Connection):
    """Sends one request after the other until a moment, and keeps how long each answer took.

    It works in the callback itself: a task switch for each answer would cost as much as some
    servers take.
    """

    def __init__(self, requests: Iterator[bytes]) -> None:
        super().__init__()
        self.times: list[float] = []
        self._requests = requests
        self._sent = self._until = 0.0

    async def run(self, seconds: float) -> None:
        """Pump for so long."""
        self._until = perf_counter() + seconds
        self._next()
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            await self._done

    def _next(self) -> None:
        request = next(self._requests)
        self._sent = perf_counter()
        self.send(request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        for response in self._responses.feed(data):
            self._answered(response, now)

    def _answered(self, response: Response, now: float) -> None:
        self.times.append(now - self._sent)
        if not 200 <= response.status < 300:
            self._done.set_exception(_failure(response))
        elif now >= self._until:
            self._done.set_result(response)
        else:
            self._next()


class Delivery:
    """One chunk at a time on its way to every reader."""

    def __init__(self, readers: int) -> None:
        self.times: list[float] = []
        self.mark = b"?"
        self.readers = readers
        self._missing = 0
        self._sent = 0.0
        self._all = asyncio.Event()
        self._error: Failed | None = None

    def expect(self, mark: bytes) -> None:
        """The chunk with *mark* in it is sent now."""
        self.mark, self._missing = mark, self.readers
        self._all.clear()
        self._sent = perf_counter()

    def arrived(self, now: float) -> None:
        """One reader has the chunk's bytes."""
        self.times.append(now - self._sent)
        self._missing -= 1
        if not self._missing:
            self._all.set()

    def failed(self, error: Failed) -> None:
        """One reader will never have it."""
        self._error = error
        self._all.set()

    async def everywhere(self) -> None:
        """Wait until every reader has the chunk. Raises `Failed`."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._error is None:
                    await self._all.wait()
        except TimeoutError:
            self._error = Failed(f"{self._missing} of {self.readers} readers got no chunk")
        if self._error is not None:
            raise self._error


class Follower(Connection):
    """A reader that waits for chunks."""

    def __init__(self, delivery: Delivery, first: bytes) -> None:
        super().__init__()
        self._delivery, self._first = delivery, first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.send(self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._delivery.failed(Failed("the server broke a reader's connection"))


class Poller(Follower):
    """A long-polling reader: each answer says what to ask next."""

    def __init__(
        self, delivery: Delivery, first: bytes, after: Callable[[Response], bytes]
    ) -> None:
        super().__init__(delivery, first)
        self._after = after

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        for response in self._responses.feed(data):
            if not 200 <= response.status < 300:
                self._delivery.failed(_failure(response))
                return
            if self._delivery.mark in response.body:
                self._delivery.arrived(now)
            self.send(self._after(response))


class Listener(Follower):
    """A reader of server-sent events."""

    def __init__(self, delivery: Delivery, request: bytes) -> None:
        super().__init__(delivery, request)
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        self._seen += data
        if self._delivery.mark in self._seen:
            self._seen = b""
            self._delivery.arrived(now)


class Replay(Connection):
    """Reads server-sent events up to the chunk with a mark in it, counting bytes."""

    def __init__(self, mark: bytes) -> None:
        super().__init__()
        self.size = 0
        self._mark = mark
        self._end = b""

    async def run(self, request: bytes) -> None:
        """Read until the mark has come."""
        self.send(request)
        async with asyncio.timeout(10 * PATIENCE_SECONDS):
            await self._done

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if self._mark in self._end + data[: len(self._mark)] or self._mark in data:
            self._done.set_result(Response(200, b"", b""))
        self._end = data[-len(self._mark) :]


def succeeded(response: Response) -> Response:
    """Return *response* if it is a success."""
    if not 200 <= response.status < 300:
        raise _failure(response)
    return response


def _failure(response: Response) -> Failed:
    return Failed(f"the server answered {response.status}: {response.body[:300]!r}")
