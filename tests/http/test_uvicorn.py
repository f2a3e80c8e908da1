"""The API behind a real server: connections that break, bodies that stream, noise in the log."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from runstreams.core.model import Head
from runstreams.serve.protocol import Protocol
from tests.http.asgi import OUT, READ, STREAM
from tests.http.serving import Connection, Served, emptied, serving, wait_until

CHUNKED = {"transfer_encoding": "chunked", "x_client_id": "c1"}
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture(scope="module", params=[Protocol, "h11"])
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    with serving(request.param) as served:
        yield served


@pytest.fixture
def api(server: Served) -> Iterator[Served]:
    yield from emptied(server)


def tail(api: Served) -> int:
    head: Head | None = api.store.heads.items.get(OUT.run, {}).get(OUT.key)
    return head.tail if head is not None else 0


def lines(api: Served) -> bytes:
    return b"".join(batch.lines for batch in api.store.batches.objects.values())


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_body_that_breaks_off_keeps_its_complete_lines(api: Served, how: str) -> None:
    with api.connect() as writer:
        writer.begin("POST", STREAM, **CHUNKED)
        writer.chunk(b'1\n2\n"torn')
        wait_until(lambda: tail(api) == 2)
        writer.chunk(b'"\n3\n"torn again')
        wait_until(lambda: tail(api) == 4)
        writer.reset() if how == "reset" else writer.socket.close()
    with api.connect() as other:
        other.request("HEAD", STREAM, x_client_id="c1")
        assert b"x-last-chunk-index: 3\r\n" in other.until(b"\r\n\r\n").lower()
    assert lines(api) == b'1\n2\n"torn"\n3\n'


def test_complete_lines_that_came_right_before_the_break_are_kept(api: Served) -> None:
    """While a commit takes its time, more lines arrive, and then the connection is gone."""
    commit = api.store.heads.commit
    slow = asyncio.Event()

    async def commit_slowly(*args: object) -> object:
        api.server.servers[0].get_loop().call_later(0.3, slow.set)
        await slow.wait()
        return await commit(*args)  # type: ignore[arg-type]

    api.store.heads.commit = commit_slowly  # type: ignore[method-assign,assignment]
    try:
        with api.connect() as writer:
            writer.begin("POST", STREAM, **CHUNKED)
            writer.chunk(b"1\n")
            wait_until(lambda: b"1\n" in lines(api))
            writer.chunk(b'2\n3\n"torn')
        wait_until(lambda: tail(api) == 3)
    finally:
        api.store.heads.commit = commit  # type: ignore[method-assign]
    assert lines(api) == b"1\n2\n3\n"


def test_lines_are_readable_while_the_body_is_still_open(api: Served) -> None:
    with api.connect() as writer, api.connect() as reader:
        reader.begin("GET", READ, **EVENTS)
        reader.until(b"\r\n\r\n")
        writer.begin("POST", STREAM, **CHUNKED)
        for number in range(5):
            writer.chunk(b"%d\n" % number)
            assert b'\\"data\\":%d,' % number in reader.until(b"}}\n\n")
        writer.chunk(b"")
        assert writer.answer() == (200, b"")


def test_many_answers_come_over_one_connection(api: Served) -> None:
    with api.connect() as connection:
        for number in range(20):
            connection.request("POST", STREAM + "/append", b"part")
            status, body = connection.answer()
            assert (status, json.loads(body)["index"]) == (200, number)


def test_after_a_bad_line_the_rest_is_thrown_away_and_the_connection_goes_on(api: Served) -> None:
    """Closing it would lose the answer: with unread data in it, a connection is reset."""
    with api.connect() as writer:
        writer.begin("POST", STREAM, **CHUNKED)
        writer.chunk(b"1\nbad\n2\n")
        status, body = writer.answer()
        error = json.loads(body)["error"]
        assert (status, error["line"], error["last_index"]) == (400, 2, 0)
        for _ in range(50):
            writer.chunk(b'"' + b"x" * 65_536 + b'"\n')
        writer.chunk(b"")
        writer.request("GET", READ + "?wait=0")
        assert json.loads(writer.answer()[1])["tail"] == 1


def test_a_writer_without_a_key_is_told_so_before_it_sends_its_body(api: Served) -> None:
    with api.connect() as writer:
        writer.begin("POST", STREAM, **CHUNKED, authorization="Bearer wrong")
        assert writer.answer()[0] == 401


def test_a_writer_that_asks_whether_to_go_on_is_told_to(api: Served) -> None:
    """curl asks so before a large body."""
    with api.connect() as writer:
        writer.begin("POST", STREAM, expect="100-continue", content_length="2")
        assert writer.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        writer.send(b"1\n")
        assert writer.answer()[0] == 200


def test_the_end_of_a_closed_stream_is_a_clean_end(api: Served) -> None:
    with api.connect() as reader, api.connect() as other:
        reader.begin("GET", READ, **EVENTS)
        head = reader.until(b"\r\n\r\n").lower()
        assert b"transfer-encoding: chunked\r\n" in head
        other.request("POST", READ + "/close")
        assert other.answer()[0] == 200
        assert reader.until(b"0\r\n\r\n").endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def broken(connection: Connection) -> bytes:
    """Return the body of an answer that must break off: its last, empty piece is missing."""
    body = connection.rest()
    assert not body.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in body
    return body


def test_an_error_in_the_middle_breaks_the_connection(
    api: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with api.connect() as writer, api.connect() as reader:
        writer.request("POST", STREAM, b"1\n")
        writer.answer()
        get = api.store.batches.get
        reader.begin("GET", READ, **EVENTS)
        reader.until(b"}}\n\n")

        async def fail(*_: object) -> None:
            raise OSError("the disk is on fire")

        api.store.batches.get = fail  # type: ignore[method-assign,assignment]
        try:
            writer.request("POST", STREAM, b"2\n")
            writer.answer()
            broken(reader)
        finally:
            api.store.batches.get = get  # type: ignore[method-assign]
    assert "the disk is on fire" in caplog.text
    assert "without completing response" not in caplog.text


def test_a_reader_that_goes_away_leaves_nothing_behind(api: Served) -> None:
    """Both ways of reading; the fixture waits until nobody watches any more."""
    for headers in (EVENTS, {"accept": "application/json"}):
        for how in ("close", "reset"):
            with api.connect() as reader:
                reader.begin("GET", READ, **headers)
                wait_until(lambda: OUT in api.log._watches._watches)
                reader.reset() if how == "reset" else reader.socket.close()
            wait_until(lambda: not api.log._watches._watches)


def test_a_hundred_readers_get_every_chunk_once(api: Served) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(api.connect()) for _ in range(100)]
        for reader in readers:
            reader.begin("GET", READ, **EVENTS)
            reader.until(b"\r\n\r\n")
        writer = stack.enter_context(api.connect())
        for number in range(10):
            writer.request("POST", STREAM, b"%d\n" % number)
            writer.answer()
        writer.request("POST", READ + "/close")
        writer.answer()
        for reader in readers:
            body = reader.until(b"\r\n0\r\n\r\n")
            chunks = re.findall(rb'\{\\"data\\":(\d+),', body)
            assert chunks == [b"%d" % number for number in range(10)]


@pytest.mark.parametrize(
    "request_line", [b"GET /realtime/v1/streams/run_1/\xff HTTP/1.1", b"GET x y HTTP/1.1", b"\x00"]
)
def test_what_is_no_http_gets_a_400_and_harms_nobody(api: Served, request_line: bytes) -> None:
    """In our error shape where we speak HTTP: see tests/serve/test_protocol.py."""
    with api.connect() as bad:
        bad.send(request_line + b"\r\nhost: x\r\n\r\n")
        assert b" 400 " in bad.rest().split(b"\r\n")[0]
    with api.connect() as good:
        good.request("GET", "/health")
        assert good.answer()[0] == 200


def test_when_the_process_stops_polls_are_answered_and_event_streams_broken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with serving() as api, api.connect() as poll, api.connect() as events:
        poll.request("GET", READ)
        events.begin("GET", READ, **EVENTS)
        events.until(b"\r\n\r\n")
        wait_until(lambda: len(api.stop.interrupts) == 2)
        api.stop_now()
        status, body = poll.answer()
        assert (status, json.loads(body)["chunks"]) == (200, [])
        broken(events)
    assert "without completing response" not in caplog.text
