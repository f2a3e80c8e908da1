"""A model on this machine: an HTTP server that speaks the formats of `formats`, chunk by chunk.

It answers by the name that it is asked as (`answers`), needs no key, and keeps what it was asked,
and whether somebody has left before an answer's end. As `held` it stops in the middle until it may
go on. A text that it has answered as a response of OpenAI's it gives again, from any event on.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import formats
from .answers import Part, answer

Speak = Callable[[Iterable[Part]], Iterator[str] | Iterator[bytes]]

ROUTES: list[tuple[str, Speak, str]] = [
    (r"/v1/chat/completions", formats.completions, "text/event-stream"),
    (r"/v1/responses", formats.responses, "text/event-stream"),
    (r"/v1/messages", formats.messages, "text/event-stream"),
    (r"/model/([^/]+)/converse-stream", formats.converse, "application/vnd.amazon.eventstream"),
]

HELD = 5
"""Events after which an answer is held."""

RESULTS = ('"role":"tool"', '"function_call_output"', '"tool_result"', '"toolResult"')
"""What a request has in it that brings what a tool has found."""


class Model(ThreadingHTTPServer):
    """The server; its handlers run in threads."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.left = Event()
        self.go = Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def environ(self) -> dict[str, str]:
        """Return what makes clients of providers ask this server."""
        return {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "none",
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "none",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.url,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        self.server.asked.append(asked)
        for route, speak, kind in ROUTES:
            if found := re.fullmatch(route, self.path.partition("?")[0]):
                model = asked.get("model") or found[1]
                compact = json.dumps(asked, separators=(",", ":"))
                has_tools = bool(asked.get("tools") or asked.get("toolConfig"))
                parts = answer(model, has_tools, any(mark in compact for mark in RESULTS))
                return self._stream(self._held(model, speak(parts)), kind)
        self.send_error(404)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/v1/responses/resp_1":
            return self.send_error(404)
        known = list(formats.responses(answer("text", has_tools=False, has_results=False)))
        first = int(parse_qs(url.query)["starting_after"][0]) + 1
        self._stream(known[first:], "text/event-stream")

    def _held(self, model: str, pieces: Iterable[str | bytes]) -> Iterator[str | bytes]:
        for number, piece in enumerate(pieces):
            if model == "held" and number == HELD:
                self.server.go.wait(60)
            yield piece

    def _stream(self, pieces: Iterable[str | bytes], kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in pieces:
                data = piece.encode() if isinstance(piece, str) else piece
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.server.left.set()

    def handle(self) -> None:
        with suppress(ConnectionError):  # a client that leaves between two requests
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Model]:
    """Serve on a free port."""
    model = Model()
    thread = Thread(target=model.serve_forever, name="model", daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.shutdown()
        model.server_close()
        thread.join()
