"""The log of the process: what its levels tell of a request."""

import logging
import re
from pathlib import Path

import httpx

from tests.http.serving import Connection

from .process import ServerProcess

LINE = re.compile(r" INFO runstreams\.access: (\S+) (\S+) (\S+) (\d+) [\d.]+ ms$", re.MULTILINE)


def bad_request(server: ServerProcess) -> str:
    """Send what is no HTTP; return the id that its answer has."""
    with Connection(server.port) as connection:
        connection.send("GET /streams/é HTTP/1.1\r\n\r\n".encode())
        found = re.search(rb"x-request-id: (\w+)", connection.rest())
    assert found
    return found[1].decode()


def test_each_request_is_a_line_with_its_id_at_level_info(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", "--log-level", "info") as server:
        answers = [
            server.http.get("/health", headers={"X-Request-Id": "mine"}),
            server.http.get("/nowhere?a=b"),
            httpx.get(f"{server.url}/api/v1/runs"),
        ]
        last = bad_request(server)
        server.stop()
        log = server.log()
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert LINE.findall(log) == [
        ("mine", "GET", "/health", "200"),
        (ids[1], "GET", "/nowhere", "404"),
        (ids[2], "GET", "/api/v1/runs", "401"),
        (last, "-", "-", "400"),
    ]
    assert logging.getLevelName(logging.WARNING) not in log


def test_what_a_client_does_wrong_is_no_line_at_the_usual_level(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert server.http.get("/nowhere").status_code == 404
        bad_request(server)
        server.stop()
        assert server.log() == ""
