"""A TCP proxy in front of an HTTP server, which does to a request what a bad network would do.

Everything it forwards it forwards as it came, byte for byte; it reads along only to know where a
request begins and ends. It runs in a thread of its own, so that tests of any kind can use it:

    with FaultProxy(server.port) as proxy:
        proxy.add(Rule(Fault(request_bytes=200), method="POST", times=3))
        proxy.add(Rule(Fault(status=503, retry_after=1), path="/append$"))
        ...                     # the client speaks to proxy.url
        proxy.reset("GET")      # and its open reads are reset now
        assert [seen.status for seen in proxy.requests()] == [...]

Other processes command it over HTTP: `POST {proxy.control}/add` with the fields of a rule and its
fault as one JSON object, `/clear`, `/reset`, `/forget`, `/requests`, `/chaos` and `/upstream`
likewise.
"""

import asyncio
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, fields
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from httptools import HttpParserError, HttpRequestParser

from .commands import CommandServer
from .rules import Chaos, Fault, Rule, Seen, Then

__all__ = ["Chaos", "Fault", "FaultProxy", "Rule", "Seen"]

T = TypeVar("T")

PIECE = 65_536
HEAD_END = b"\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset instead of an end."""


class _Broken(Exception):
    """The connection was broken on purpose."""


class FaultProxy:
    """A proxy on a free port of 127.0.0.1; a context manager that leaves nothing running."""

    def __init__(self, port: int) -> None:
        """Forward to *port* of this machine."""
        self.upstream = port
        self._rules: list[Rule] = []
        self._chaos: Chaos | None = None
        self._seen: list[Seen] = []
        self._open: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy")
        self._commands = CommandServer(
            {
                "add": self._add_fields,
                "chaos": self.chaos,
                "clear": self.clear,
                "forget": self.forget,
                "requests": lambda: [asdict(seen) for seen in self.requests()],
                "reset": self.reset,
                "upstream": self.go_to,
            }
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def control(self) -> str:
        """Where other processes command it."""
        return self._commands.url

    def add(self, rule: Rule) -> None:
        """Let requests fail as *rule* says; of several rules the first that holds counts."""
        self._do(lambda: self._rules.append(rule))

    def chaos(self, seed: int, share: float = 0.3, most_bytes: int = 4096) -> None:
        """Let *share* of the requests that no rule is for fail at random."""
        self._chaos = Chaos(seed, share, most_bytes)

    def clear(self) -> None:
        """Let everything through from now on."""
        self._chaos = None
        self._do(self._rules.clear)

    def go_to(self, port: int) -> None:
        """Forward new connections to another port."""
        self.upstream = port

    def requests(self, method: str | None = None, path: str = "") -> list[Seen]:
        """Return what has come by so far, in order."""
        seen = self._do(lambda: list(self._seen))
        return [one for one in seen if _fits(one, method, path)]

    def reset(self, method: str | None = None, path: str = "") -> int:
        """Reset the connections that are busy with such a request; return how many there were."""
        return self._do(lambda: self._reset(method, path))

    def forget(self, then: Then = "reset") -> int:
        """Have forgotten all connections that are open, without a word to their clients, as a
        server has that closed them while its client could not hear: whatever comes on one is
        answered with a reset, or with silence. Return how many there were.
        """
        return self._do(lambda: self._forget(then))

    def _forget(self, then: Then) -> int:
        for connection in self._open:
            connection.forgotten = Fault(then=then)
        return len(self._open)

    def _add_fields(self, **given: Any) -> None:
        names = {one.name for one in fields(Fault)} & given.keys()
        fault = Fault(**{name: given.pop(name) for name in names})
        self.add(Rule(fault, **given))

    def _reset(self, method: str | None, path: str) -> int:
        busy = [one for one in self._open if one.seen and _fits(one.seen, method, path)]
        for connection in busy:
            connection.reset()
        return len(busy)

    def fault_for(self, seen: Seen) -> Fault | None:
        """Remember a request; return what is to go wrong with it."""
        self._seen.append(seen)
        for rule in self._rules:
            if rule.takes(seen.method, seen.path):
                return rule.fault
        return self._chaos.draw() if self._chaos else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._open.add(connection)
        try:
            await connection.serve()
        finally:
            self._open.discard(connection)

    async def _stop(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _do(self, step: Callable[[], T]) -> T:
        """Take a step in the proxy's own thread, where everything happens one after another."""

        async def taking() -> T:
            return step()

        return self._run(taking()).result()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0)).result()
        self._commands.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._commands.__exit__(kind, error, trace)
        self._run(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Gate:
    """Lets so many bytes through, and then no more."""

    def __init__(self, most: int | None) -> None:
        self._left = most

    def passed(self, piece: bytes) -> bytes:
        """Return what of *piece* goes through."""
        if self._left is None:
            return piece
        piece = piece[: self._left]
        self._left -= len(piece)
        return piece

    @property
    def is_shut(self) -> bool:
        return self._left == 0


class _Exchange:
    """A request and its answer. Clients send one at a time, so whatever the server says belongs to
    the latest.
    """

    def __init__(self, head: bytes, fault_for: Callable[[Seen], Fault | None]) -> None:
        method, path, _ = head.split(b" ", 2)
        self.seen = Seen(method.decode(), path.decode("latin-1"))
        self.is_received = False
        self._parser = HttpRequestParser(self)
        self.read(head)
        self.seen.fault = fault_for(self.seen)
        self.fault = self.seen.fault or Fault()
        self.up, self._down = _Gate(self.fault.request_bytes), _Gate(self.fault.response_bytes)
        self._head = b""

    def read(self, piece: bytes) -> None:
        """Read along, to know when the request has ended."""
        self._parser.feed_data(piece)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.seen.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        self.is_received = True

    def answered(self, piece: bytes) -> tuple[bytes, bool]:
        """Take a piece of the answer; return what goes through, and whether it breaks there."""
        if self.fault.lose_answer:
            return b"", True
        if self.seen.status is not None:
            return self._down.passed(piece), self._down.is_shut
        self._head += piece
        head, end, body = self._head.partition(HEAD_END)
        if not end:
            return b"", False
        self.seen.status = int(head.split(b" ", 2)[1])
        return head + end + self._down.passed(body), self._down.is_shut


class _Connection:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(
        self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client = reader, writer
        self._to_server: asyncio.StreamWriter | None = None
        self._exchange: _Exchange | None = None
        self.forgotten: Fault | None = None
        """How it breaks when anything comes on it; None: it is remembered."""

    @property
    def seen(self) -> Seen | None:
        """The request that it is busy with, or was busy with last."""
        return self._exchange.seen if self._exchange else None

    async def serve(self) -> None:
        """Forward until either side ends or breaks."""
        try:
            await self._forward()
        except _Broken:
            pass
        except (OSError, HttpParserError):
            self.reset()
        finally:
            for writer in self._writers():
                writer.close()

    def reset(self) -> None:
        """Break off both connections, with a reset."""
        for writer in self._writers():
            with suppress(OSError):  # it may be closed already
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
                )
            writer.transport.abort()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [writer for writer in (self._to_client, self._to_server) if writer is not None]

    async def _forward(self) -> None:
        server, self._to_server = await asyncio.open_connection("127.0.0.1", self._proxy.upstream)
        ways = [
            asyncio.create_task(self._carry_requests(self._to_server)),
            asyncio.create_task(self._carry_answers(server)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _carry_requests(self, server: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the client has ended
            while True:
                head = await self._client.readuntil(HEAD_END)
                self._exchange = exchange = _Exchange(head, self._fault_for)
                if self.forgotten:
                    await self._break(self.forgotten)
                await asyncio.sleep(exchange.fault.delay)
                if exchange.fault.status is not None:
                    await self._answer(exchange)
                    return
                await self._carry_request(exchange, head, server)

    def _fault_for(self, seen: Seen) -> Fault | None:
        fault = self._proxy.fault_for(seen)
        return self.forgotten or fault

    async def _carry_request(
        self, exchange: _Exchange, head: bytes, server: asyncio.StreamWriter
    ) -> None:
        if exchange.up.is_shut:
            await self._break(exchange.fault)
        server.write(head)
        while not exchange.is_received:
            piece = await self._piece(exchange)
            server.write(exchange.up.passed(piece))
            await server.drain()
            if exchange.up.is_shut:
                await self._break(exchange.fault)

    async def _answer(self, exchange: _Exchange) -> None:
        """Answer in the server's place, and swallow what the client still sends."""
        fault = exchange.fault
        exchange.seen.status = fault.status
        more = f"Retry-After: {fault.retry_after:g}\r\n" if fault.retry_after is not None else ""
        said = f"HTTP/1.1 {fault.status} On command\r\nAccess-Control-Allow-Origin: *\r\n{more}"
        # The request may go on for long, so the answer does not wait for its end.
        self._to_client.write(f"{said}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        while await self._client.read(PIECE):
            pass

    async def _piece(self, exchange: _Exchange) -> bytes:
        """Return the next piece of the request."""
        piece = await self._client.read(PIECE)
        if not piece:
            raise asyncio.IncompleteReadError(b"", None)
        exchange.read(piece)
        return piece

    async def _carry_answers(self, server: asyncio.StreamReader) -> None:
        while piece := await server.read(PIECE):
            assert self._exchange is not None
            passed, breaks = self._exchange.answered(piece)
            self._to_client.write(passed)
            await self._to_client.drain()
            if breaks:
                await self._break(self._exchange.fault)
        if self.forgotten:  # the client does not hear of the end, either
            await asyncio.Event().wait()

    async def _break(self, fault: Fault) -> NoReturn:
        if fault.then == "stall":
            await asyncio.Event().wait()
        if fault.then == "reset":
            self.reset()
        raise _Broken


def _fits(seen: Seen, method: str | None, path: str) -> bool:
    return method in (None, seen.method) and re.search(path, seen.path) is not None


def main() -> None:
    """Run as a process: print where it listens and is commanded, and end with its input."""
    with FaultProxy(int(sys.argv[1])) as proxy:
        print(json.dumps({"url": proxy.url, "control": proxy.control}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
