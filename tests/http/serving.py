"""The API behind a real uvicorn on a free loopback port, and connections to it byte by byte."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal

import uvicorn

from runstreams.http import Host, Keys, Service, Stop, build_app
from runstreams.http.routes import appending, managing, reading
from runstreams.serve.protocol import Protocol
from runstreams.serve.running import KEEP_ALIVE_SECONDS
from runstreams.serve.uvicorn import left_over, quieten
from runstreams.stores.memory import MemoryStore
from runstreams.wiring import new_id, open_log
from tests.http.asgi import SECRET

Http = type[Protocol] | Literal["h11"]
"""How HTTP is spoken: as `runstreams serve` does it, or as uvicorn does without httptools."""

PATIENCE = 10.0
"""Seconds after which a test gives up on what should happen at once."""


class Served:
    """An API that is being served."""

    def __init__(self, http: Http, linger_ms: int | None = None) -> None:
        self.stop = Stop()
        self.store = MemoryStore(new_id)
        self.log = open_log(self.store, background=False)
        host = Host(left_over=left_over, stopping=self.stop, linger_ms=linger_ms)
        service = Service(self.log, Keys([SECRET]), host)
        app = build_app(service, [appending.router, reading.router, managing.router])
        quieten()
        config = uvicorn.Config(
            app,
            port=0,
            http=http,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self.server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def connect(self) -> "Connection":
        return Connection(self.port)

    def stop_now(self) -> None:
        """Set the event that a server sets first when it stops."""
        loop = self.server.servers[0].get_loop()
        loop.call_soon_threadsafe(self.stop.set)


@contextmanager
def serving(http: Http = Protocol, linger_ms: int | None = None) -> Iterator[Served]:
    """Serve an API for as long as the context lasts."""
    served = Served(http, linger_ms)
    thread = threading.Thread(target=served.server.run, daemon=True)
    thread.start()
    wait_until(lambda: served.server.started)
    try:
        yield served
    finally:
        served.server.should_exit = True
        served.server.force_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def emptied(served: Served) -> Iterator[Served]:
    """Give *served* without its streams, and see afterwards that nobody reads from it any more."""
    served.store.heads.items.clear()
    served.store.batches.objects.clear()
    yield served
    wait_until(lambda: not served.log._watches._watches)


def wait_until(condition: object) -> None:
    """Return as soon as *condition* holds."""
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "this should have happened long ago"
        time.sleep(0.005)


class Connection:
    """A connection to a server, on which every byte is ours."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.received = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        """Send a whole request."""
        self.begin(method, target, content_length=str(len(body)), **headers)
        self.send(body)

    def begin(self, method: str, target: str, **headers: str) -> None:
        """Send a request without its body."""
        headers = {"host": "x", "authorization": f"Bearer {SECRET}", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode())

    def chunk(self, data: bytes) -> None:
        """Send a piece of a chunked body."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def until(self, mark: bytes) -> bytes:
        """Receive up to and including *mark*, and return it all."""
        while mark not in self.received:
            data = self.socket.recv(65_536)
            assert data, f"the connection ended before {mark!r}: {self.received!r}"
            self.received += data
        at = self.received.index(mark) + len(mark)
        found, self.received = self.received[:at], self.received[at:]
        return found

    def answer(self) -> tuple[int, bytes]:
        """Receive a whole answer that tells its length."""
        head = self.until(b"\r\n\r\n").lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(self.received) < length:
            self.received += self.socket.recv(65_536)
        body, self.received = self.received[:length], self.received[length:]
        return int(head.split()[1]), body

    def rest(self) -> bytes:
        """Receive until the other side closes the connection."""
        try:
            while data := self.socket.recv(65_536):
                self.received += data
        except ConnectionResetError:
            pass
        return self.received

    def reset(self) -> None:
        """Break the connection off as a crash or a pulled cable does."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()
