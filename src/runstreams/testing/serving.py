"""A real server on a free port of this machine, with its streams in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from ..core.settings import SECRET_KEY
from ..sdk.clients import AsyncClient, Client
from ..sdk.retrying import Retries
from ..sdk.settings import URL, Timeouts
from ..sdk.writing.buffer import Batching
from .memory import memory_log

if TYPE_CHECKING:
    import uvicorn

    from ..http import Stop

PATIENCE_SECONDS = 20
"""Longest that a start or a stop takes, on a machine under load."""

HOST = "127.0.0.1"


class Server:
    """A server that runs; its clients' own settings are those of `Client`."""

    def __init__(self, url: str, secret_key: str) -> None:
        self.url = url
        self.secret_key = secret_key

    def client(
        self,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        batching: Batching | None = None,
        lease: int | None = None,
    ) -> Client:
        """Return a client of it, to be closed by the caller."""
        return Client(
            self.url,
            self.secret_key,
            timeouts=timeouts,
            retries=retries,
            batching=batching,
            lease=lease,
        )

    def async_client(
        self,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        batching: Batching | None = None,
        lease: int | None = None,
    ) -> AsyncClient:
        """Return an async client of it, to be closed by the caller."""
        return AsyncClient(
            self.url,
            self.secret_key,
            timeouts=timeouts,
            retries=retries,
            batching=batching,
            lease=lease,
        )

    def environ(self) -> dict[str, str]:
        """Return the environment variables that lead the default client of a process here."""
        return {URL: self.url, SECRET_KEY: self.secret_key}


@contextmanager
def serving() -> Iterator[Server]:
    """Serve the whole API in a thread, for as long as the context lasts.

    It needs the extra `server`. Raises `ModuleNotFoundError` where that is missing.
    """
    secret_key = f"sk_{token_hex(16)}"
    server, stop = _server(secret_key)
    thread = threading.Thread(target=server.run, name="runstreams server", daemon=True)
    thread.start()
    try:
        yield Server(f"http://{HOST}:{_port(server, thread)}", secret_key)
    finally:
        _stop(server, stop)
        thread.join(PATIENCE_SECONDS)


def _server(secret_key: str) -> "tuple[uvicorn.Server, Stop]":
    try:
        import uvicorn

        from ..http import Host, Keys, Service, Stop, build_app
        from ..http.routes.whole import ROUTERS
        from ..serve.speaking import spoken
        from ..serve.uvicorn import left_over
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"a server needs {error.name}, which is not installed: "
            'pip install "runstreams[server]"',
            name=error.name,
        ) from error
    stop = Stop()
    service = Service(memory_log(), Keys([secret_key]), Host(left_over=left_over, stopping=stop))
    server = uvicorn.Server(spoken(build_app(service, ROUTERS), host=HOST, port=0))
    server.force_exit = True  # readers that wait are not waited for
    return server, stop


def _port(server: "uvicorn.Server", thread: threading.Thread) -> int:
    from ..serve.uvicorn import port_of

    patience = threading.Event()
    for _ in range(PATIENCE_SECONDS * 200):
        if server.started:
            return port_of(server)
        if not thread.is_alive():
            break
        patience.wait(0.005)
    raise RuntimeError("the server has not started")


def _stop(server: "uvicorn.Server", stop: "Stop") -> None:
    from ..serve.uvicorn import loop_of

    server.should_exit = True
    if server.started:
        loop_of(server).call_soon_threadsafe(stop.set)
