"""Stopping: at once, whoever is attached; what is open breaks, and nothing acknowledged is lost."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.place import SETTINGS

from .process import COMMAND, SHELL, ServerProcess
from .wire import Connection, head, numbers, piece, sse, upload

READERS = 300
POLLERS = 100
RUN = "/realtime/v1/streams/run_1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data") as server:
        yield server


async def poll(server: ServerProcess, path: str) -> Connection:
    connection = await Connection.to(server)
    await connection.send(head(server, "GET", path, Accept="application/json"))
    return connection


@pytest.mark.parametrize("command", [COMMAND, SHELL], ids=["many files", "few files"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_while_hundreds_read_and_somebody_writes(
    tmp_path: Path, number: int, command: tuple[str, ...]
) -> None:
    with ServerProcess(tmp_path / "data", command=command) as server:
        await stop_while_busy(server, number)
        assert all("files may be open" in line for line in server.log().splitlines())


async def stop_while_busy(server: ServerProcess, number: int) -> None:
    readers = await asyncio.gather(*(sse(server, f"{RUN}/k") for _ in range(READERS)))
    pollers = await asyncio.gather(*(poll(server, f"{RUN}/quiet") for _ in range(POLLERS)))
    writing = await upload(server, f"{RUN}/self/k", **{"X-Client-Id": "w"})
    await writing.send(piece(numbers(0, 10)) + piece(b"10"))
    for reader in readers:
        assert b'"seq_num":9' in await reader.until(b'"seq_num":9')
    assert await asyncio.to_thread(server.stop, number) == 0
    ends = await asyncio.gather(*(reader.rest() for reader in readers))
    assert not any(end.endswith(b"0\r\n\r\n") or b"[DONE]" in end for end in ends)
    assert all(b"event: error" in end for end in ends)
    for answer in await asyncio.gather(*(poller.rest() for poller in pollers)):
        assert answer == b"" or answer.startswith(b"HTTP/1.1 200 ")
    assert await writing.rest() == b""
    for connection in [*readers, *pollers, writing]:
        await connection.close()


async def test_a_second_signal_ends_it_too(server: ServerProcess) -> None:
    reader = await sse(server, f"{RUN}/k")
    server.process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(server.stop, signal.SIGINT) == 0
    await reader.close()


async def test_what_an_upload_had_sent_is_there_after_a_stop(tmp_path: Path) -> None:
    """Complete lines are kept, the torn one is not, and the client goes on behind them."""
    with ServerProcess(tmp_path / "data") as server:
        reader = await sse(server, f"{RUN}/k")
        writing = await upload(server, f"{RUN}/self/k", **{"X-Client-Id": "w"})
        await writing.send(piece(numbers(0, 10)) + piece(b"10"))
        await reader.until(b'"seq_num":9')
        assert await asyncio.to_thread(server.stop) == 0
        await reader.close()
        await writing.close()
    with ServerProcess(tmp_path / "data") as server:
        answer = server.http.head(f"{RUN}/self/k", headers={"X-Client-Id": "w"})
        assert answer.headers["X-Last-Chunk-Index"] == "9"
        page = server.http.get(f"{RUN}/k").json()
    assert [chunk["data"] for chunk in page["chunks"]] == list(range(10))


async def test_it_stops_while_the_store_does_not_answer(tmp_path: Path) -> None:
    """Calls to AWS wait in threads, which nobody can cancel."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {
            **SETTINGS,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "RUNSTREAMS_BUCKET": "bucket",
            "RUNSTREAMS_TABLE": "table",
            # So that the bucket is not asked at the start.
            "RUNSTREAMS_RETENTION_DAYS": "28",
            "RUNSTREAMS_STREAM_MAX_BYTES": "0",
            "RUNSTREAMS_RUN_MAX_STREAMS": "0",
            "RUNSTREAMS_INLINE_BYTES": "0",
            "RUNSTREAMS_EPOCH": "0",
            "RUNSTREAMS_POLL_MS": "100",
        }
        with ServerProcess(tmp_path / "data", "--aws", environ=environ) as server:
            reader = await poll(server, f"{RUN}/k")
            call, _ = await asyncio.to_thread(silent.accept)
            assert await asyncio.to_thread(server.stop) == 0
            await reader.close()
            call.close()
