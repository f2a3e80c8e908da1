"""One request, and the means to answer it.

The routes that carry chunks are plain ASGI: resolving typed parameters costs as much as all the
rest of an append.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager

from starlette.types import Receive, Scope, Send

from ..core.access import Grant, Resource
from ..core.errors import BodyTooLarge, Unauthorized
from ..core.model import StreamId
from ..core.names import check_key, check_run
from . import trigger
from .errors import Headers, MethodNotAllowed, UnsupportedEncoding
from .service import Host, Service

JSON = b"application/json"

_IDENTITY = b"identity"
"""The encoding of a body that is sent as it is."""


class ClientGone(Exception):
    """The client has closed the connection; nobody is left to answer."""


class Asked:
    """A request: what it says, who sends it, and its body."""

    __slots__ = ("_more", "headers", "receive", "scope", "service")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.service: Service = scope["app"].service
        self.headers: dict[bytes, bytes] = scope["runstreams.headers"]
        self._more = True

    @property
    def host(self) -> Host:
        """What the place where we run allows."""
        return self.service.host

    def header(self, name: bytes) -> str | None:
        """Return a request header; *name* in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def part(self, name: str) -> str:
        """Return a part of the path, percent-decoded."""
        return str(self.scope["path_params"][name])

    def stream(self, prefix: str = "") -> StreamId:
        """Return the stream that the path names, its key after *prefix*. Raises `InvalidName`."""
        return StreamId(check_run(self.part("run")), check_key(prefix + self.part("key")))

    def grant(self) -> Grant:
        """Return what the caller may do. Raises `Unauthenticated`."""
        service = self.service
        return service.keys.grant(self.headers.get(b"authorization"), service.log.clock())

    def reading(self, grant: Grant) -> AbstractContextManager[None]:
        """Count the caller among those who wait, for as long as the block lasts. Raises
        `TooManyReaders`.
        """
        return self.host.readers.one_more(grant, self.headers.get(b"authorization", b""))

    def time_left(self) -> float:
        """Return the seconds that this request may still take."""
        left = self.service.host.time_left
        return float("inf") if left is None else left()

    async def piece(self) -> bytes | None:
        """Return what has arrived of the body since the last call, or None at its end. Raises
        `UnsupportedEncoding`, and `ClientGone` when it breaks off.
        """
        if not self._more:
            return None
        self._check_encoding()
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    def _check_encoding(self) -> None:
        encoding = self.headers.get(b"content-encoding", _IDENTITY).lower()
        if encoding not in (b"", _IDENTITY):
            raise UnsupportedEncoding(
                "Request bodies are sent as they are", encoding=encoding.decode("latin-1")
            )

    def left_over(self) -> bytes:
        """Return what arrived before the connection broke, and was not received any more."""
        return self.host.left_over(self.receive)

    async def body(self, most: int) -> bytes:
        """Return the whole body, of up to *most* bytes. Raises `BodyTooLarge`, `ClientGone`."""
        self.check_length(most)
        pieces: list[bytes] = []
        size = 0
        while (piece := await self.piece()) is not None:
            size += len(piece)
            _check_size(size, most)
            pieces.append(piece)
        return b"".join(pieces)

    def check_length(self, most: int) -> None:
        """Refuse a body that says it is larger than *most*, before a byte of it is read."""
        length = self.headers.get(b"content-length", b"0")
        if length.isdigit():
            _check_size(int(length), most)


class Call(Asked):
    """A request and its answer."""

    __slots__ = ("send",)

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive)
        self.send = send

    async def start(self, status: int, headers: Headers) -> None:
        """Begin an answer that is sent bit by bit."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        """Answer with *body*, JSON unless it is empty; to HEAD without it."""
        told = [(b"content-length", b"%d" % len(body)), *headers]
        if body:
            told.append((b"content-type", JSON))
        await self.send({"type": "http.response.start", "status": status, "headers": told})
        sent = b"" if self.scope["method"] == "HEAD" else body
        await self.send({"type": "http.response.body", "body": sent})


Handler = Callable[[Call], Awaitable[None]]


class Endpoint:
    """What a path does, by method; as an ASGI application, so that nothing stands in between."""

    def __init__(self, handlers: dict[str, Handler], refusal: str = "Method not allowed") -> None:
        self.handlers = handlers
        self.allow = ", ".join(handlers)
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self.handlers.get(scope["method"])
        if handler is None:
            raise MethodNotAllowed(self._refusal, allow=self.allow)
        await handler(Call(scope, receive, send))


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name. What was sent twice is joined by commas, as API Gateway does it, so
    that the same request means the same everywhere.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b", " + value if name in found else value
    return found


def _check_size(size: int, most: int) -> None:
    """Raise `BodyTooLarge` if *size* is more than *most*."""
    if size > most:
        raise BodyTooLarge(trigger.TOO_LARGE, limit=most, size=size)


def require(grant: Grant, actions: Iterable[str], *resources: Resource) -> None:
    """Raise `Unauthorized` unless *grant* allows one of *actions* on one of *resources*."""
    if grant.everything or any(grant.allows(action, *resources) for action in actions):
        return
    raise Unauthorized(trigger.UNAUTHORIZED)
