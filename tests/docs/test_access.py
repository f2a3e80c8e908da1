"""What `docs/access.md` says of tokens beyond what its own code shows."""

from contextlib import suppress

import httpx
import pytest

from runstreams import Client
from runstreams.errors import Unauthenticated, Unauthorized
from runstreams.testing import Server

STREAMS = "/realtime/v1/streams"


def with_token(server: Server, **granted: object) -> Client:
    with server.client() as owner:
        return Client(server.url, owner.auth.create_public_token(**granted))  # type: ignore[arg-type]


def test_a_worker_with_these_scopes_can_be_a_run(runstreams_server: Server) -> None:
    run = ["run_worker"]
    with with_token(runstreams_server, read=run, write=run, manage=run) as client:
        with suppress(ZeroDivisionError), client.streams.run("run_worker"):
            client.streams.append("log", 1 // 0)
        with pytest.raises(Unauthorized):
            client.streams.append("log", "hello", target="run_other")


def test_a_token_that_writes_does_not_read(runstreams_server: Server) -> None:
    with with_token(runstreams_server, write=["run_mic/microphone"]) as client:
        client.streams.append("microphone", "hm", target="run_mic")
        with pytest.raises(Unauthorized, match="read:streams:run_mic/microphone"):
            client.streams.describe("run_mic", "microphone")
        with pytest.raises(Unauthorized):
            client.streams.append("log", "hm", target="run_mic")
        client.streams.close("microphone", target="run_mic")


def test_an_open_event_stream_outlives_its_token(runstreams_server: Server) -> None:
    path, owner = f"{STREAMS}/run_expiry/log", runstreams_server.client()
    token = owner.auth.create_public_token(read=["run_expiry"], expires_in="2s")
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    with owner, httpx.Client(base_url=runstreams_server.url, timeout=60) as http:
        owner.streams.append("log", "before", target="run_expiry")
        with http.stream("GET", path, headers=headers) as events:
            lines = (line for line in events.iter_lines() if line.startswith("data"))
            assert "before" in next(lines)
            wait_until_expired(runstreams_server, token)
            owner.streams.append("log", "after", target="run_expiry")
            assert "after" in next(lines)


def wait_until_expired(server: Server, token: str) -> None:
    with Client(server.url, token) as client, suppress(Unauthenticated):
        while True:
            client.streams.list("run_expiry")
