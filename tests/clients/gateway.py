"""API Gateway in front of the functions, as far as clients can tell: it hands a request over when
its body is complete, and an answer when the function has ended.
"""

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.functions.runtime import RuntimeApi
from tests.functions.template import route_of, routes

POLL = 0.05
"""Seconds until it notices that it is to stop."""


@contextmanager
def gateway(functions: Mapping[str, RuntimeApi]) -> Iterator[int]:
    """Serve *functions*, by their names, on the template's routes; give the port."""
    handler = type("Handler", (_Handler,), {"functions": functions})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(POLL,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    functions: Mapping[str, RuntimeApi]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        route = route_of(self.command, path)
        name = Path(routes()[route]).name
        self._answer(self.functions[name].invoke(self._event(route, unquote(path), query, body)))

    do_GET = do_PUT = do_HEAD = do_OPTIONS = do_POST

    def _body(self) -> bytes | None:
        """Return the whole body; None when it breaks off."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            return body if len(body) == length else None
        body = b""
        while size := self.rfile.readline():
            piece = self.rfile.read(int(size, 16) + 2)[:-2]
            if size.strip() == b"0":
                return body
            body += piece
        return None

    def _event(self, route: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers.pop("transfer-encoding", None)
        http = {"method": self.command, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1"}
        return {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": query,
            "headers": {**headers, "content-length": str(len(body))},
            "requestContext": {"http": http, "requestId": "request", "stage": "$default"},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }

    def _answer(self, answer: dict[str, Any]) -> None:
        body = answer.get("body", "").encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            if name != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""
