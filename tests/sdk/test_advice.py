"""A server that would have chunks gathered is heeded, however it is spoken to."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from runstreams import Batching, Client
from runstreams.aio import AsyncClient
from runstreams.core.model import StreamId
from runstreams.sdk.transports.direct import DirectTransport
from runstreams.sdk.transports.http import LINGER_SECONDS_MAX, _linger
from tests.emulators.place import Place
from tests.http.asgi import SECRET
from tests.http.serving import Served, serving, wait_until

LONG_MS = 10_000
"""Nobody waits for this: whoever has written everything says so."""


@pytest.fixture
def server() -> Iterator[Served]:
    with serving(linger_ms=LONG_MS) as served:
        yield served


def write(client: Client, run: str) -> None:
    """Write a chunk, wait for its receipt, and write many more, at intervals."""
    with client.streams.writer("k", target=run) as writer:
        writer.write(-1)
        wait_until(lambda: not writer._producer.unsent)
        for value in range(3):
            writer.write(value)
            time.sleep(0.05)
        writer.drain()


def appends(served: Served, run: str) -> int:
    return served.store.heads.items[run]["k"].unsealed


def test_what_the_server_advises_is_heeded_over_http(server: Served, run: str) -> None:
    with Client(f"http://127.0.0.1:{server.port}", SECRET) as client:
        write(client, run)
    assert appends(server, run) == 2


def test_a_user_who_says_otherwise_is_obeyed(server: Served, run: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with Client(url, SECRET, batching=Batching(linger=0)) as client:
        write(client, run)
    assert appends(server, run) == 4


async def test_an_async_client_heeds_it_too(server: Served, run: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    async with (
        AsyncClient(url, SECRET) as client,
        client.streams.writer("k", target=run) as writer,
    ):
        await writer.write(-1)
        await writer.drain()
        for value in range(3):
            await writer.write(value)
            await asyncio.sleep(0.05)
    assert appends(server, run) == 2


def test_a_client_without_a_server_advises_itself(server: Served, run: str) -> None:
    with Client(transport=lambda: DirectTransport(server.log, LONG_MS)) as client:
        write(client, run)
    assert appends(server, run) == 2


def test_one_in_aws_gathers_as_the_environment_says(
    quick_aws_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in quick_aws_place.environment().items():
        monkeypatch.setenv(name, value)
    for given, seconds in (("", 0.25), ("500", 0.5), ("0", None)):
        monkeypatch.setenv("RUNSTREAMS_LINGER_MS", given)
        place = {"bucket": quick_aws_place.bucket, "table": quick_aws_place.table}
        with Client.direct(**place) as client:
            transport = client._connection.engine.call(_made(client))
            assert transport._linger == seconds


async def _made(client: Client) -> DirectTransport:
    transport = client._connection.engine.transport
    assert isinstance(transport, DirectTransport)
    await transport.append(StreamId("run", "k"), "c", 0, b"1\n")
    return transport


@pytest.mark.parametrize(
    ("said", "heard"),
    [("250", 0.25), ("0", 0), ("99999999999999999999", LINGER_SECONDS_MAX), ("soon", None)],
)
def test_advice_that_makes_no_sense_is_passed_over(said: str, heard: float | None) -> None:
    assert _linger(httpx.Response(200, headers={"x-stream-linger-ms": said})) == heard
    assert _linger(httpx.Response(200)) is None
