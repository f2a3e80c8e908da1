"""What is no HTTP, or too much of it: our errors, after the answers before them, in little room."""

import json
import logging
import re
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from runstreams.http.live.rendering import BROKEN_OFF
from runstreams.serve.protocol import AHEAD, HEAD_BYTES, PIECE_BYTES
from tests.http.asgi import OUT, READ, SECRET, STREAM
from tests.http.serving import Connection, Served, emptied, serving, wait_until

from .process import ServerProcess

MIB = 1024 * 1024
ORIGIN = "https://pages.example"
ANSWER = re.compile(rb"HTTP/1\.1 (\d+) .*?\r\n\r\n", re.DOTALL)
EVENTS = {"accept": "text/event-stream"}
UPLOAD = {"transfer_encoding": "chunked", "x_client_id": "c1"}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def api(server: Served) -> Iterator[Served]:
    yield from emptied(server)


@pytest.fixture
def connection(api: Served) -> Iterator[Connection]:
    with api.connect() as connection:
        yield connection


def head(*lines: bytes, first: bytes = b"GET /health HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"host: x", b"origin: " + ORIGIN.encode(), *lines, b"", b""])


def old(method: str, path: str, **headers: str) -> bytes:
    """Return a request as proxies make it that speak HTTP/1.0."""
    fields = {"authorization": f"Bearer {SECRET}", **headers}
    lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def sized(size: int) -> bytes:
    """Return a head that counts as *size* bytes."""
    bare = sum(map(len, (b"/health", b"host: x\r\n", b"origin: \r\n", b"a: \r\n"))) + len(ORIGIN)
    return head(b"a: " + b"x" * (size - bare))


def refused(connection: Connection, status: int, code: str) -> dict[str, object]:
    """Return the error that is the last answer on *connection*, as every error is."""
    answer = connection.until(b"\r\n\r\n").lower()
    assert answer.startswith(b"http/1.1 %d " % status)
    assert b"content-type: application/json\r\n" in answer
    assert b"connection: close\r\n" in answer
    assert b"access-control-allow-origin: " in answer
    error: dict[str, object] = json.loads(connection.rest())["error"]
    assert error["code"] == code
    assert b"x-request-id: %s\r\n" % str(error["request_id"]).encode() in answer
    return error


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (head(first="GET /realtime/v1/streams/é/k HTTP/1.1".encode()), "percent-encoded"),
        (head(first=b"GET /health?q=\xff HTTP/1.1"), "percent-encoded"),
        (head(first=b"GET x y HTTP/1.1"), "percent-encoded"),
        (head(first=b"GET http://x HTTP/1.1"), "no path"),
        (head(first=b"CONNECT x:443 HTTP/1.1"), "percent-encoded"),
        (head(first=b"PRI * HTTP/2.0") + b"SM\r\n\r\n", "Invalid HTTP request"),
        (head(b"content-length: abc"), "Content-Length"),
        (head(b"content-length: -1"), "Content-Length"),
        (head(b"a: \x01"), "header"),
        (head(b"\xc3\xa9: x"), "header"),
        (b"\x00", "method"),
        (b"\x16\x03\x01\x02\x00", "method"),
        (b"no such thing\r\n\r\n", "method"),
    ],
)
def test_what_is_no_http_is_refused_like_everything_else(
    connection: Connection, request_: bytes, why: str
) -> None:
    connection.send(request_)
    assert why in str(refused(connection, 400, "invalid_request")["message"])


def test_a_page_is_told_what_was_wrong_with_the_path(connection: Connection) -> None:
    """As far as the headers were understood, they count."""
    connection.send(head(b"a: b\x01"))
    assert b"access-control-allow-origin: %s\r\n" % ORIGIN.encode() in connection.rest().lower()


def test_a_head_may_have_64_kib(connection: Connection) -> None:
    connection.send(sized(HEAD_BYTES))
    assert connection.answer()[0] == 200
    connection.send(sized(HEAD_BYTES + 1))
    error = refused(connection, 431, "head_too_large")
    assert (error["limit"], error["size"]) == (HEAD_BYTES, HEAD_BYTES + 1)


def test_a_large_head_that_comes_bit_by_bit_is_refused_too(connection: Connection) -> None:
    whole = sized(HEAD_BYTES + 1)
    for begin in range(0, len(whole), 10_000):
        connection.send(whole[begin : begin + 10_000])
    refused(connection, 431, "head_too_large")


def test_many_small_headers_count_together(connection: Connection) -> None:
    connection.send(head(*[b"a%d: b" % number for number in range(10_000)]))
    refused(connection, 431, "head_too_large")


@pytest.mark.parametrize(
    "begin", [b"GET /health HTTP/1.1\r\na: ", b"GET /", b"GET /?", b"GET /health HTTP/1.1\r\n"]
)
def test_a_head_without_an_end_is_refused_before_its_end(
    connection: Connection, begin: bytes
) -> None:
    """And the client, still sending, is not reset before it can read so."""
    connection.send(begin)
    for _ in range(32):
        connection.send(b"x" * (MIB // 4))
    size = refused(connection, 431, "head_too_large")["size"]
    assert isinstance(size, int)
    assert size <= HEAD_BYTES + 2 * PIECE_BYTES


def test_trailers_without_an_end_are_refused_and_the_lines_before_them_kept(
    connection: Connection, api: Served
) -> None:
    connection.begin("POST", STREAM, **UPLOAD)
    connection.chunk(b"1\n2\n")
    connection.send(b"0\r\ntrailer: ")
    for _ in range(8):
        connection.send(b"x" * (MIB // 4))
    refused(connection, 431, "head_too_large")
    wait_until(lambda: api.store.heads.items[OUT.run][OUT.key].tail == 2)


def test_a_long_body_is_no_long_head(connection: Connection) -> None:
    connection.begin("POST", STREAM, **UPLOAD)
    for _ in range(20):
        connection.chunk(b'"' + b"x" * 100_000 + b'"\n')
    connection.send(b"0\r\na-trailer: x\r\n\r\n" + head())
    assert connection.answer() == (200, b"")
    assert connection.answer()[0] == 200


def test_a_refusal_waits_for_the_answers_before_it(connection: Connection, api: Served) -> None:
    with api.connect() as writer:
        connection.begin("GET", READ, **EVENTS)
        connection.until(b"\r\n\r\n")
        connection.send(b"\x00\x01 no http \r\n\r\n")
        writer.request("POST", STREAM, b"1\n")
        writer.answer()
        assert b"HTTP/1.1" not in connection.until(b"}}\n\n\r\n")
        writer.request("POST", READ + "/close")
        writer.answer()
        assert connection.until(b"0\r\n\r\n").endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    refused(connection, 400, "invalid_request")


def test_a_refusal_waits_for_the_requests_that_wait_themselves(connection: Connection) -> None:
    """The last one but for its body, which breaks off; so it is what is refused."""
    connection.begin("GET", READ + "?wait=1")
    connection.send(head())
    connection.begin("POST", STREAM, **UPLOAD)
    connection.send(b"no size\r\n")
    assert b'"chunks":[]' in connection.answer()[1]
    assert b'"status":"ok"' in connection.answer()[1]
    refused(connection, 400, "invalid_request")


def test_of_a_body_that_is_no_http_the_complete_lines_are_kept(
    connection: Connection, api: Served
) -> None:
    connection.begin("POST", STREAM, **UPLOAD)
    connection.chunk(b'1\n2\n"torn')
    wait_until(lambda: OUT.run in api.store.heads.items)
    connection.send(b"no size\r\n")
    refused(connection, 400, "invalid_request")
    with api.connect() as other:
        other.request("HEAD", STREAM, x_client_id="c1")
        assert b"x-last-chunk-index: 1\r\n" in other.until(b"\r\n\r\n").lower()


def test_a_request_that_has_its_answer_gets_no_second_one(connection: Connection) -> None:
    connection.begin("POST", STREAM, **UPLOAD, authorization="Bearer wrong")
    assert connection.answer()[0] == 401
    connection.send(b"no size\r\n")
    assert connection.rest() == b""


def test_an_answer_under_way_is_broken_off_where_the_request_breaks_off(
    connection: Connection,
) -> None:
    connection.begin("GET", READ, **EVENTS, transfer_encoding="chunked")
    connection.until(b"\r\n\r\n")
    connection.send(b"no size\r\n")
    rest = connection.rest()
    assert b"HTTP/1.1" not in rest
    assert not rest.endswith(b"0\r\n\r\n")


def test_only_so_many_requests_may_be_sent_ahead(connection: Connection) -> None:
    """Else a client could fill the memory with requests, faster than they are answered."""
    connection.begin("GET", READ + "?wait=0.5")
    connection.send(head() * 10_000)
    statuses = [int(status) for status in ANSWER.findall(connection.rest())]
    assert statuses == [200] * (1 + AHEAD) + [400]


def test_a_wish_to_upgrade_is_passed_over(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Java's client asks for HTTP/2 so, with every first request."""
    caplog.set_level(logging.WARNING, "runstreams")  # the access log is no complaint
    connection.send(head(b"connection: upgrade, http2-settings", b"upgrade: h2c"))
    assert connection.answer()[0] == 200
    connection.send(head())
    assert connection.answer()[0] == 200
    assert not caplog.records


def test_what_is_known_of_a_connection_is_freed_when_it_is_reset(server: Served) -> None:
    """Not when it would have been idle for too long."""
    connections = server.server.server_state.connections
    known = weakref.WeakSet[object]()
    for _ in range(20):
        with server.connect() as connection:
            connection.request("GET", "/health")
            connection.answer()
            known.update(list(connections))
            connection.reset()
    wait_until(lambda: not connections)
    wait_until(lambda: not known)


def test_an_old_client_gets_an_event_stream_that_ends_with_the_connection(
    connection: Connection, api: Served
) -> None:
    """A proxy that speaks HTTP/1.0 would pass the sizes of the pieces on as if they were text."""
    connection.send(old("GET", READ, **EVENTS))
    answer = connection.until(b"\r\n\r\n").lower()
    assert b"connection: close\r\n" in answer
    assert b"transfer-encoding" not in answer
    with api.connect() as writer:
        for path, body in ((STREAM, b"1\n"), (READ + "/close", b"")):
            writer.request("POST", path, body)
            writer.answer()
    events = connection.rest()
    assert events.startswith(b"event: batch\n")
    assert events.endswith(b"}}\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("HEAD", STREAM), ("GET", "/no")])
def test_an_old_client_gets_short_answers_as_long_as_they_say(
    connection: Connection, method: str, path: str
) -> None:
    connection.send(old(method, path))
    answer = connection.until(b"\r\n\r\n").lower()
    length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
    assert b"transfer-encoding" not in answer
    assert len(connection.rest()) == length


def test_an_old_client_is_not_asked_to_go_on(connection: Connection) -> None:
    """What comes first would be its answer."""
    fields = {"expect": "100-continue", "content-length": "2"}
    connection.send(old("POST", STREAM, **fields) + b"1\n")
    assert connection.until(b"\r\n").startswith(b"HTTP/1.1 200 ")


def test_an_old_client_sees_when_an_event_stream_is_broken_off() -> None:
    """Nothing but the end of the connection tells it the end, so that must not be a clean one."""
    with serving() as api, api.connect() as connection:
        connection.send(old("GET", READ, **EVENTS))
        connection.until(b"\r\n\r\n")
        wait_until(lambda: api.stop.interrupts)
        api.stop_now()
        connection.until(BROKEN_OFF)
        with pytest.raises(ConnectionResetError):
            connection.socket.recv(1)


def test_a_server_stays_small_and_quiet_whatever_is_sent(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        before = server.peak_memory()
        for begin in (b"GET /health HTTP/1.1\r\na: ", b"\x00"):
            with Connection(server.port) as connection:
                connection.send(begin)
                for _ in range(64):
                    connection.send(b"x" * MIB)
                assert connection.until(b"\r\n").split()[1] in (b"431", b"400")
        assert server.http.get("/health").status_code == 200
        assert server.peak_memory() - before < 16 * MIB
        server.stop()
        assert server.log() == ""
