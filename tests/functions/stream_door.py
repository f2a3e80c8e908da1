"""The door for event streams as `functions/stream` meets it: a gateway that sends answers on as
they come, the Lambda Web Adapter, and Lambda.

What it has of them: one request at a time in each environment, which stands still in between; the
body comes whole; the deadline is told in the adapter's header, and who is late is killed; an answer
that breaks off breaks the client's connection.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from tests.emulators.process import free_port
from tests.tools import ROOT

FOLDER = ROOT / "functions" / "stream"

READY_SECONDS = 40
"""How long an environment may take to answer /health; two cores full of tests make it slow."""

HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


class Environment:
    """One execution environment: `run.sh`, started as the adapter starts it."""

    def __init__(self, settings: Mapping[str, str], log: Path, folder: Path = FOLDER) -> None:
        self.port = free_port()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [folder / "run.sh"],
                env={**os.environ, **_lambda(self.port), **settings},
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except OSError:
            return False

    def freeze(self) -> None:
        """Stop it, as Lambda does between invocations."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it, as Lambda does at the deadline."""
        self._process.kill()
        self._process.wait()


def _lambda(port: int) -> dict[str, str]:
    """Return what Lambda sets for a function of its Python runtime, and the adapter's port."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "stream",
        "AWS_LWA_PORT": str(port),
        "LAMBDA_RUNTIME_DIR": sysconfig.get_path("purelib"),
        "LAMBDA_TASK_ROOT": str(FOLDER),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "",  # as on Lambda, whatever the tests run with
        "POWERTOOLS_SERVICE_NAME": "stream",
    }


class StreamDoor:
    """Gateway, adapter and Lambda, on loopback."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.seconds = 29.0
        """The function's timeout; a test may change it."""
        self.ends: list[str] = []
        """How answers ended, in turn: `clean`, `broken`, or `late` where Lambda had to do it."""
        self._settings = settings
        self._idle: SimpleQueue[Environment] = SimpleQueue()
        self._all: list[Environment] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
        self._server.RequestHandlerClass.door = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self) -> Environment:
        """Return an environment that is idle, or a new one."""
        try:
            found = self._idle.get_nowait()
            found.thaw()
        except Empty:
            found = Environment(self._settings, self.log)
            self._all.append(found)
        return found

    def give_back(self, environment: Environment) -> None:
        """Keep an environment for the next request."""
        environment.freeze()
        self._idle.put(environment)

    def prepare(self, count: int) -> None:
        """Start *count* environments, so that nobody waits for them later."""
        for each in [self.take() for _ in range(count)]:
            self.give_back(each)

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
            for each in self._all:
                each.kill()


class _Handler(BaseHTTPRequestHandler):
    door: StreamDoor
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self._body()
        environment, deadline = self.door.take(), time.time() + self.door.seconds
        connection = HTTPConnection("127.0.0.1", environment.port, timeout=self.door.seconds)
        has_body, how = False, "broken"
        with suppress(HTTPException, OSError), closing(connection):
            try:
                connection.request(self.command, self.path, body, self._headers(body, deadline))
                has_body = self._answer(connection, connection.getresponse(), deadline)
                how = "clean"
            except TimeoutError:
                how = "late"
        # The client hears of it last: a test looks, and asks again, as soon as it has its answer.
        self.door.ends.append(how)
        if how == "late":
            environment.kill()
        else:
            self.door.give_back(environment)
        if how == "clean":
            self._end(has_body)
        else:
            self._break()

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = _pass_on

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

    def _headers(self, body: bytes, deadline: float) -> dict[str, str]:
        passed = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        context: Any = {"request_id": "invocation-1", "deadline": int(deadline * 1000)}
        return passed | {
            "Host": "127.0.0.1",
            "Content-Length": str(len(body)),
            "x-amzn-lambda-context": json.dumps(context),
            "x-amzn-request-context": json.dumps({"requestId": "gateway-1"}),
        }

    def _answer(self, connection: HTTPConnection, response: HTTPResponse, deadline: float) -> bool:
        """Send the answer on but for its end; return whether it has a body."""
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        has_body = self.command != "HEAD" and response.status != 304
        if not has_body:
            return False
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            assert connection.sock is not None or response.isclosed()
            if connection.sock is not None:
                connection.sock.settimeout(max(deadline - time.time(), 0.001))
            if not (piece := response.read1(65_536)):
                return True
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _end(self, has_body: bool) -> None:
        with suppress(OSError):  # the client may have gone
            if has_body:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.end_headers()

    def _break(self) -> None:
        """End the client's connection without a word."""
        self.close_connection = True
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""
