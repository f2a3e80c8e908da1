"""What tests say to a server over bare sockets, where it matters how a connection ends."""

import asyncio
import json
from contextlib import suppress

from .process import ServerProcess


class Connection:
    """One HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, server: ServerProcess) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def until(self, mark: bytes) -> bytes:
        return await self._reader.readuntil(mark)

    async def rest(self) -> bytes:
        """Return everything until the connection ends, however it ends."""
        got = b""
        with suppress(ConnectionError):
            while piece := await self._reader.read(65_536):
                got += piece
        return got

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    def cut(self) -> None:
        """End it without a word."""
        self._writer.transport.abort()


def head(server: ServerProcess, method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request."""
    fields = {"Host": "localhost", **server.headers, **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def sse(server: ServerProcess, path: str) -> Connection:
    """Attach an event-stream reader, and return when it is attached."""
    connection = await Connection.to(server)
    await connection.send(head(server, "GET", path, Accept="text/event-stream"))
    answer = await connection.until(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    return connection


async def upload(server: ServerProcess, path: str, **headers: str) -> Connection:
    """Begin a request whose body is sent bit by bit."""
    connection = await Connection.to(server)
    fields = {"Transfer-Encoding": "chunked", **headers}
    await connection.send(head(server, "POST", path, **fields))
    return connection


def piece(data: bytes) -> bytes:
    """Return *data* as one piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def numbers(first: int, end: int) -> bytes:
    """Return chunks, one a line: the numbers from *first* to before *end*."""
    return b"".join(json.dumps(number).encode() + b"\n" for number in range(first, end))
