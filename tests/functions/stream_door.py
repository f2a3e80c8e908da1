"""The doors for event streams, as `template.yaml` makes them of `functions/stream`: a REST API, and
a Function URL.

What both have of the real ones: bodies come whole; answers are sent on as they come; nobody tells
the function that a client has gone, so it goes on to its end; headers that only the gateway may set
get other names. What tells them apart is how an answer ends that was not whole:

- A REST API answers preflights by itself where the template has a mock for them, and what is too
  much with 429. It breaks the connection when the integration's `TimeoutInMillis` is over (API
  Gateway's guide on response streaming: curl then says "transfer closed with outstanding read data
  remaining"), and when the function is killed at its deadline. The function goes on meanwhile.
- Behind a Function URL nothing does. Every answer ends properly, even one that Lambda had to end:
  what exactly it does then is not documented, so this is the worst of it.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.functions.environment import Environments
from tests.functions.template import resource, stream_linger
from tests.functions.web_adapter import ERROR_TYPE, Failed, Late, Request, hand_over

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
"""Headers of a request that are about a connection, and not handed over."""

REMAPPED = {"connection", "content-length", "date", "server"}
"""Headers of an answer that get other names, since the gateway sets its own."""


PARTS = {
    "realtime": "StreamApiRealtime",
    "api": "StreamApiManaging",
    "v1": "StreamApiDurable",
}
"""What the template calls the first parts of the paths that ask for a token."""


class StreamDoor:
    """A door, the adapter and Lambda, on loopback."""

    base: ClassVar[str] = ""
    """The path in front of everything, which the function is not told."""
    breaks: ClassVar[bool] = False
    """Whether the door breaks connections."""
    headers: ClassVar[list[tuple[str, str]]] = []
    """Headers of what the door answers by itself."""
    throttled: ClassVar[list[tuple[str, str]]] = []
    """Headers of what it answers when that is too much."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.seconds = 24.0
        """The parameter `StreamTimeout`; a test may change it."""
        self.ends: list[str] = []
        """How answers ended that were waited for, in turn: `clean`; `torn` where the function broke
        one off, so that the adapter's text stands in it; `cut` where the gateway's patience was
        over; `late` where Lambda killed the function; `failed` where that gave none.
        """
        self.throttles = 0
        """How many requests will be too much from now on."""
        self.follows = 0
        """How many event streams were asked for."""
        self.environments = Environments(settings, log)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
        self._server.RequestHandlerClass.door = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True

    @property
    def host(self) -> str:
        """The name that clients know it by."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The base address for clients."""
        return f"http://{self.host}{self.base}"

    def deadline(self) -> float:
        """Return when a function that starts now will be killed."""
        return time.time() + self.seconds + stream_linger()

    @staticmethod
    def context(method: str, path: str) -> dict[str, Any]:
        """Return what the door says of a request, as the adapter hands it on."""
        raise NotImplementedError

    @staticmethod
    def mock(method: str, path: str) -> list[tuple[str, str]] | None:
        """Return the headers of an answer for which no function is needed; None if one is."""
        return None

    @contextmanager
    def open(self) -> Iterator["StreamDoor"]:
        """Serve for as long as the context lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
            self.environments.kill()


def mapped(answer: Any) -> list[tuple[str, str]]:
    """Return the headers that a REST API's own answer is given."""
    found = answer["ResponseParameters"].items()
    return [(name.rpartition(".")[2].lower(), value.strip("'")) for name, value in found]


class RestDoor(StreamDoor):
    """A REST API whose integration streams, with its stage."""

    base = "/live"
    breaks = True
    headers: ClassVar = mapped(resource("StreamApiFailure"))
    throttled: ClassVar = mapped(resource("StreamApiThrottled"))

    @staticmethod
    def mock(method: str, path: str) -> list[tuple[str, str]] | None:
        for part, name in PARTS.items():
            if method == "OPTIONS" and path.startswith(f"/{part}/"):
                integration = resource(f"{name}Preflight")["Integration"]
                assert integration["Type"] == "MOCK"
                return mapped(integration["IntegrationResponses"][0])
        return None

    @staticmethod
    def context(method: str, path: str) -> dict[str, Any]:
        first = path.split("/")[1]
        below = f"/{first}/" if first in PARTS else "/"
        return {
            "accountId": "123456789012",
            "resourceId": "abc123",
            "stage": "live",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "api",
            "requestId": "gateway-1",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "127.0.0.1"},
            "resourcePath": f"{below}{{proxy+}}",
            "path": f"/live{path}",
            "httpMethod": method,
            "requestTimeEpoch": 0,
            "apiId": "api",
        }


class UrlDoor(StreamDoor):
    """A Function URL whose invoke mode streams."""

    @staticmethod
    def context(method: str, path: str) -> dict[str, Any]:
        return {
            "routeKey": "$default",
            "accountId": "anonymous",
            "stage": "$default",
            "requestId": "gateway-1",
            "apiId": "url",
            "domainName": "url.lambda-url.us-east-1.on.aws",
            "domainPrefix": "url",
            "timeEpoch": 0,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1"},
        }


DOORS: tuple[type[StreamDoor], ...] = (RestDoor, UrlDoor)


class _Client:
    """The other end of a connection. It may go, or be cut off, at any moment; what is sent to it
    from then on is lost without a word.
    """

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._gone = False
        self._chunked = False
        self.begun = False

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the head of an answer."""
        self.begun = True
        self._chunked = self._handler.command != "HEAD" and status not in (204, 304)
        head = [("transfer-encoding", "chunked"), *headers] if self._chunked else headers
        lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in head)]
        self._write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, piece: bytes) -> None:
        """Send a piece of its body."""
        if self._chunked:
            self._write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def end(self) -> None:
        """End the answer as one that is whole."""
        if self._chunked:
            self._write(b"0\r\n\r\n")

    def is_there(self) -> bool:
        """Say whether it waits for more."""
        try:
            return bool(self._handler.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def cut(self) -> None:
        """Close the connection, whatever the answer lacks."""
        with self._lock, suppress(OSError):
            self._gone = self._handler.close_connection = True
            self._handler.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, data: bytes) -> None:
        with self._lock:
            try:
                if not self._gone:
                    self._handler.wfile.write(data)
            except OSError:
                self._gone = self._handler.close_connection = True


class _Handler(BaseHTTPRequestHandler):
    door: StreamDoor
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        door, client, request = self.door, _Client(self), self._request()
        if door.throttles:
            door.throttles -= 1
            return self._say(client, 429, "Too Many Requests", door.throttled)
        if (headers := door.mock(request.method, request.path)) is not None:
            return self._say(client, 200, "", headers)
        with self._patience(client) as over:
            environment = door.environments.take()
            how = self._relay(environment.port, request, door.deadline(), client)
        if how == "late":
            environment.kill()
        else:
            door.environments.give_back(environment)
        # The client hears of it last: a test looks, and asks again, as soon as it has its answer.
        if not over.is_set():
            door.ends.append(how)
        self._finish(client, how)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = _pass_on

    def _request(self) -> Request:
        path = self.path.removeprefix(self.door.base)
        assert path != self.path or not self.door.base, f"{self.path} is not below the stage"
        passed = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        context = self.door.context(self.command, path.partition("?")[0])
        self.door.follows += "text/event-stream" in passed.get("Accept", passed.get("accept", ""))
        return Request(self.command, path, passed, self._body(), context)

    def _body(self) -> bytes:
        """Return the whole body, however it is sent."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    @contextmanager
    def _patience(self, client: _Client) -> Iterator[threading.Event]:
        """Cut the client off when the gateway's time is over, and note it."""
        over = threading.Event()

        def cut() -> None:
            over.set()
            if client.is_there():
                self.door.ends.append("cut")
            if not client.begun:
                self._say(client, 504, "Endpoint request timed out", self.door.headers)
            client.cut()

        timer = threading.Timer(self.door.seconds, cut)
        timer.daemon = True
        if self.door.breaks:
            timer.start()
        try:
            yield over
        finally:
            timer.cancel()

    def _relay(self, port: int, request: Request, deadline: float, client: _Client) -> str:
        """Send the function's answer on, but for its end; return how it has ended."""
        last = b""
        try:
            answer = hand_over(port, request, deadline)
            client.begin(answer.status, [_remapped(*each) for each in answer.headers])
            for last in answer.pieces:
                client.send(last)
        except Late:
            return "late"
        except Failed:
            return "failed"
        return "torn" if last.startswith(ERROR_TYPE) else "clean"

    def _finish(self, client: _Client, how: str) -> None:
        if not client.begun:
            self._say(client, 502, "Internal server error", self.door.headers)
        elif how == "late" and self.door.breaks:
            client.cut()
        else:
            client.end()

    def _say(
        self, client: _Client, status: int, message: str, headers: list[tuple[str, str]]
    ) -> None:
        """Answer in the door's own words."""
        client.begin(status, [*headers, ("content-type", "application/json")])
        client.send(json.dumps({"message": message} if message else {}).encode())
        client.end()

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


def _remapped(name: str, value: str) -> tuple[str, str]:
    return (f"x-amzn-remapped-{name}" if name in REMAPPED else name, value)
