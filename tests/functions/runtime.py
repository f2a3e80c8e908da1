"""Lambda's Runtime API, as much of it as a function needs, and functions as real processes.

AWS's own runtime client (awslambdaric) asks `/invocation/next` for an event, runs the handler and
posts what it returned: here on loopback, so that a test sees true start-up, deadlines, JSON
marshalling, and processes that share nothing.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from tests.tools import ROOT

PREFIX = "/2018-06-01/runtime/"

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

ANSWER_SECONDS = 40
"""How long a test waits for an answer; two cores full of other tests make a cold start slow."""


class Outcome(NamedTuple):
    """What a handler returned, or how it failed."""

    kind: str
    """`response` or `error`."""
    value: Any


class RuntimeApi:
    """Hands events to whichever process asks next, and collects the outcomes."""

    def __init__(self) -> None:
        self.waiting: Queue[tuple[str, int, dict[str, Any]]] = Queue()
        self.outcomes: dict[str, Future[Outcome]] = {}
        self.init_errors: Queue[Any] = Queue()
        self.asked = threading.Event()
        """Set when a process has asked for its first event."""
        self._numbers = count(1)
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
        self._server.RequestHandlerClass.api = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Host and port, as `AWS_LAMBDA_RUNTIME_API` has them."""
        return f"127.0.0.1:{self._server.server_port}"

    def submit(self, event: dict[str, Any], seconds: float = 29) -> Future[Outcome]:
        """Queue *event*, to be answered within *seconds*."""
        name = f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        self.outcomes[name] = Future()
        self.waiting.put((name, int((time.time() + seconds) * 1000), event))
        return self.outcomes[name]

    def invoke(self, event: dict[str, Any], seconds: float = 29) -> Any:
        """Return what the handler answers to *event*. Raises when it fails."""
        outcome = self.submit(event, seconds).result(ANSWER_SECONDS)
        assert outcome.kind == "response", outcome.value
        return outcome.value

    @contextmanager
    def serving(self) -> Iterator["RuntimeApi"]:
        """Serve on loopback for as long as the context lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that is killed leaves its connection, and that is nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.api.asked.set()
        name, deadline, event = self.api.waiting.get()
        self._answer(
            200,
            json.dumps(event).encode(),
            {
                "Content-Type": "application/json",  # the client crashes without one
                "Lambda-Runtime-Aws-Request-Id": name,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:f",
                "Lambda-Runtime-Trace-Id": TRACE,
            },
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, name, kind = self.path.removeprefix(PREFIX).split("/")
        if name == "init":
            self.api.init_errors.put(body)
        else:
            self.api.outcomes[name].set_result(Outcome(kind, body))
        self._answer(202, b"{}", {})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@contextmanager
def function_process(
    name: str,
    api: RuntimeApi,
    environment: Mapping[str, str],
    log: Path,
    command: Sequence[str | Path] = (sys.executable, "-m", "awslambdaric", "app.handler"),
    folder: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one execution environment of function *name* against *api*; what it prints goes to
    *log*. It is the source's unless *folder* and *command* are those of a built one.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder or ROOT / "functions" / name,
            env={**os.environ, **_LAMBDA, **environment, "AWS_LAMBDA_RUNTIME_API": api.address},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "LAMBDA_TASK_ROOT": str(ROOT),
    "PYTHONPATH": str(ROOT / "src"),
    "PYTHONDONTWRITEBYTECODE": "1",
}
