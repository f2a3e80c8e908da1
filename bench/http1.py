"""The least of HTTP/1.1 that a load generator needs: heavier clients would measure themselves."""

import re
from collections.abc import Generator
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(slots=True)
class Response:
    """One answer, whole."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return a header's value, or nothing."""
        found = re.search(rb"\r\n" + name + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1] if found else b""


class Responses:
    """Takes a server's bytes apart into whole responses, however they arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._done: list[Response] = []
        self._parse = self._run()
        next(self._parse)

    def feed(self, data: bytes) -> list[Response]:
        """Take more bytes; return the responses that are whole now."""
        self._done = []
        self._parse.send(data)
        return self._done

    def _run(self) -> Generator[None, bytes, None]:
        while True:
            head = yield from self._until(b"\r\n\r\n")
            body = yield from self._body(head)
            self._done.append(Response(int(head[9:12]), head, body))

    def _body(self, head: bytes) -> Generator[None, bytes, bytes]:
        if length := _LENGTH.search(head):
            return (yield from self._exactly(int(length[1])))
        if not _CHUNKED.search(head):
            return b""
        parts = []
        while size := int((yield from self._until(b"\r\n")), 16):
            parts.append((yield from self._exactly(size)))
            yield from self._exactly(2)
        yield from self._exactly(2)
        return b"".join(parts)

    def _until(self, mark: bytes) -> Generator[None, bytes, bytes]:
        while (at := self._rest.find(mark)) < 0:
            self._rest += yield
        found, self._rest = self._rest[:at], self._rest[at + len(mark) :]
        return found

    def _exactly(self, size: int) -> Generator[None, bytes, bytes]:
        parts, have = [self._rest], len(self._rest)
        while have < size:
            more = yield
            parts.append(more)
            have += len(more)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def request(method: str, path: str, headers: bytes = b"", body: bytes = b"") -> bytes:
    """Return a request as bytes; *headers* are whole lines."""
    start = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    length = b"" if method == "GET" else b"Content-Length: %d\r\n" % len(body)
    return b"".join((start, headers, length, b"\r\n", body))
