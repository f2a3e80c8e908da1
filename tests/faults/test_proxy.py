"""The proxy does to a request what it was told to, and nothing else."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.faults.proxy import Chaos, Fault, FaultProxy, Rule


class Echo(BaseHTTPRequestHandler):
    """Answers with the body, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class EchoServer(ThreadingHTTPServer):
    """Remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.bodies: list[bytes] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: that connections break is what is tested."""


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with EchoServer() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: EchoServer) -> Iterator[FaultProxy]:
    with FaultProxy(echo.server_port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=20) as client:
        yield client


def test_what_no_rule_is_for_goes_through(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(Rule(Fault(status=503), method="PUT"))
    proxy.add(Rule(Fault(status=503), path="^/other"))
    body = bytes(range(256)) * 1000
    assert [client.post("/a", content=body).content for _ in range(3)] == [body] * 3
    assert [(seen.method, seen.path, seen.status) for seen in proxy.requests()] == [
        ("POST", "/a", 200)
    ] * 3


def test_a_rule_skips_and_counts(proxy: FaultProxy, client: httpx.Client, echo: EchoServer) -> None:
    proxy.add(Rule(Fault(status=429, retry_after=2), skip=1, times=2))
    answers = [client.post("/a", content=b"body") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "2"
    assert echo.bodies == [b"body"] * 2


def test_a_request_is_reset_on_its_way(
    proxy: FaultProxy, client: httpx.Client, echo: EchoServer
) -> None:
    proxy.add(Rule(Fault(request_bytes=3)))
    with pytest.raises(httpx.TransportError, match="reset"):
        client.post("/a", content=b"0123456789")
    assert client.post("/a", content=b"again").content == b"again"
    assert b"0123456789" not in echo.bodies


@pytest.mark.parametrize(("then", "what"), [("reset", "reset"), ("close", "peer closed")])
def test_an_answer_breaks_where_it_is_told_to(
    proxy: FaultProxy, client: httpx.Client, then: Any, what: str
) -> None:
    proxy.add(Rule(Fault(response_bytes=3, then=then)))
    with client.stream("POST", "/a", content=b"0123456789") as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"012"
        with pytest.raises(httpx.TransportError, match=what):
            next(pieces)


def test_an_answer_is_lost_after_the_server_has_done_its_work(
    proxy: FaultProxy, client: httpx.Client, echo: EchoServer
) -> None:
    proxy.add(Rule(Fault(lose_answer=True)))
    with pytest.raises(httpx.TransportError):
        client.post("/a", content=b"body")
    assert echo.bodies == [b"body"]


def test_a_forgotten_connection_is_silent_until_it_is_used(
    proxy: FaultProxy, client: httpx.Client, echo: EchoServer
) -> None:
    client.post("/a", content=b"before")
    assert proxy.forget() == 1
    with pytest.raises(httpx.TransportError):
        client.post("/a", content=b"after")
    assert client.post("/a", content=b"again").content == b"again"
    assert echo.bodies == [b"before", b"again"]
    assert [bool(seen.fault) for seen in proxy.requests()] == [False, True, False]


def test_a_stalled_answer_is_reset_on_command(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.add(Rule(Fault(response_bytes=1, then="stall")))
    with client.stream("POST", "/a", content=b"0123456789") as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"0"
        assert proxy.reset("GET") == 0
        assert proxy.reset("POST", "^/a") == 1
        with pytest.raises(httpx.TransportError):
            next(pieces)


def test_a_server_that_is_gone_is_a_reset(proxy: FaultProxy, client: httpx.Client) -> None:
    port = proxy.upstream
    proxy.go_to(1)
    with pytest.raises(httpx.TransportError):
        client.post("/a", content=b"body")
    proxy.go_to(port)
    assert client.post("/a", content=b"body").content == b"body"


def test_chaos_is_the_same_again() -> None:
    one, two = Chaos(7), Chaos(7)
    drawn = [one.draw() for _ in range(200)]
    assert drawn == [two.draw() for _ in range(200)]
    assert 30 < sum(fault is not None for fault in drawn) < 90


def test_a_process_of_its_own_is_commanded_over_http(echo: EchoServer) -> None:
    command = [sys.executable, "-m", "tests.faults.proxy", str(echo.server_port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        rule = {"status": 503, "method": "POST", "times": None}
        httpx.post(f"{said['control']}/add", json=rule).raise_for_status()
        assert httpx.post(f"{said['url']}/a", content=b"body").status_code == 503
        httpx.post(f"{said['control']}/clear").raise_for_status()
        assert httpx.post(f"{said['url']}/a", content=b"body").content == b"body"
        seen = httpx.post(f"{said['control']}/requests").json()
        assert [one["status"] for one in seen] == [503, 200]
        assert httpx.post(f"{said['control']}/no-such").status_code == 500
        process.communicate()
    assert process.returncode == 0
