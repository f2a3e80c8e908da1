"""Functions of a test that other processes call: `POST /{name}` with arguments as JSON."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLL = 0.01
"""Seconds until the server notices that it is to stop."""


class CommandServer:
    """Serves *commands* on a free port of 127.0.0.1; a context manager."""

    def __init__(self, commands: Mapping[str, Callable[..., Any]]) -> None:
        handler = type("Handler", (_Handler,), {"commands": dict(commands)})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), name="commands"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "CommandServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    commands: dict[str, Callable[..., Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            status, said = 200, self.commands[self.path.strip("/")](**json.loads(body or b"{}"))
        except Exception as error:  # whatever it is, the caller must see it
            status, said = 500, repr(error)
        answer = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass
