"""Memory of the real server process: flat, however much is stored and however many wait."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runstreams.serve.open_files import raise_limit
from tests.serve.process import SHELL, ServerProcess
from tests.serve.wire import Connection, head, sse

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

MIB = 1024 * 1024
PATH = "/realtime/v1/streams/run_1"
READERS = 1000
CHUNK_BYTES = 64 * 1024
CHUNKS = 300 * MIB // CHUNK_BYTES


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data", command=SHELL) as server:
        yield server


async def poll(server: ServerProcess) -> Connection:
    connection = await Connection.to(server)
    await connection.send(head(server, "GET", f"{PATH}/k?wait=25", Accept="application/json"))
    return connection


async def test_a_thousand_readers_wait_in_300_mib(server: ServerProcess) -> None:
    raise_limit()
    events = await asyncio.gather(*(sse(server, f"{PATH}/k") for _ in range(READERS // 2)))
    polls = await asyncio.gather(*(poll(server) for _ in range(READERS // 2)))
    answer = await asyncio.to_thread(server.http.post, f"{PATH}/self/k/append", content="news")
    assert answer.status_code == 200
    for reader in events:
        assert b"news" in await reader.until(b"news")
    for reader in polls:
        assert b"news" in await reader.until(b"news")
    assert server.peak_memory() < 300 * MIB
    for reader in [*events, *polls]:
        await reader.close()


def chunk(number: int) -> str:
    """Return a string of which JSON makes 64 KiB."""
    return f"{number} ".ljust(CHUNK_BYTES - 2, "x")


def lines() -> Iterator[bytes]:
    for number in range(CHUNKS):
        yield json.dumps(chunk(number)).encode() + b"\n"


def replay_pages(server: ServerProcess) -> Iterator[str]:
    """Yield the stream's chunks, read as JSON pages."""
    start = 0
    while start < CHUNKS:
        page = server.http.get(f"{PATH}/k", params={"start": start, "wait": 0}).json()
        yield from (chunk["data"] for chunk in page["chunks"])
        start = page["next_index"]


def replay_events(server: ServerProcess) -> Iterator[str]:
    """Yield the stream's chunks, read as server-sent events."""
    headers = {"Accept": "text/event-stream"}
    with server.http.stream("GET", f"{PATH}/k", headers=headers) as answer:
        for line in answer.iter_lines():
            if line.startswith('data: {"records"'):
                for record in json.loads(line[6:])["records"]:
                    yield json.loads(record["body"])["data"]


def test_300_mib_are_written_and_replayed_in_200_mib(server: ServerProcess) -> None:
    headers = {"X-Client-Id": "w"}
    server.http.post(f"{PATH}/self/k", headers=headers, content=lines()).raise_for_status()
    server.http.post(f"{PATH}/self/k/close", json={"status": "completed"}).raise_for_status()
    assert server.peak_memory() < 200 * MIB
    for replay in (replay_pages, replay_events):
        count = 0
        for data in replay(server):
            assert data == chunk(count)
            count += 1
        assert count == CHUNKS
    assert server.peak_memory() < 200 * MIB
