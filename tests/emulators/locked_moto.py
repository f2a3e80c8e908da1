"""moto behind one lock.

moto's S3 and DynamoDB are dictionaries that its server's threads change without asking each other:
under concurrent writers it loses updates and breaks transactions, which no store could survive. One
request at a time, it is a fair judge.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.emulators.process import free_port, served
from tests.tools import ROOT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@contextmanager
def locked_moto() -> Iterator[str]:
    """Yield the URL of a locked moto."""
    port = free_port()
    command = [sys.executable, "-m", __name__, str(port)]
    with TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with served(command, port, "/moto-api/", Path(folder), env) as server:
            yield server.url


class OneAtATime:
    """A WSGI application that answers one request after the other."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


def main(port: int) -> None:
    """Serve until terminated."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    # Its evaluation of an expression goes one level deeper with each operator.
    sys.setrecursionlimit(10_000)
    # Connections stay open between requests, as they do with the real services.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    app = OneAtATime(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, app, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
