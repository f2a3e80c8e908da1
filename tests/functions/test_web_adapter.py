"""The stand-in for the adapter does what the adapter's source says of answers that break off."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.functions.web_adapter import Failed, Late, Request, hand_over

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
GET = Request("GET", "/", {}, b"", {})


@contextmanager
def _application(answer: bytes, stay: bool = False) -> Iterator[int]:
    """An application that says *answer* and closes the connection, unless it is to *stay*."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)
                if stay:
                    left.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        left.set()
        thread.join()


def test_a_break_becomes_a_text_in_the_body() -> None:
    with _application(HEAD + b"5\r\nHello\r\n") as port:
        answer = hand_over(port, GET, time.time() + 60)
        first, last = answer.pieces
    assert first == b"Hello"
    assert last.startswith(b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n")


def test_a_whole_answer_is_passed_on_and_has_a_type() -> None:
    with _application(HEAD + b"5\r\nHello\r\n0\r\n\r\n") as port:
        answer = hand_over(port, GET, time.time() + 60)
        assert answer.headers == [("content-type", "application/octet-stream")]
        assert list(answer.pieces) == [b"Hello"]


def test_without_an_answer_the_invocation_fails() -> None:
    with _application(b"") as port, pytest.raises(Failed):
        hand_over(port, GET, time.time() + 60)


@pytest.mark.parametrize("begun", [b"", HEAD])
def test_who_goes_on_after_the_deadline_is_late(begun: bytes) -> None:
    with _application(begun, stay=True) as port, pytest.raises(Late):
        list(hand_over(port, GET, time.time() + 0.2).pieces)
