"""A server that is killed and comes back while it is written to and read from."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from runstreams import Client, Retries
from runstreams.aio import AsyncClient
from tests.serve.process import ServerProcess

QUICKLY = Retries(first=0.02, longest=0.2)
CHUNKS = 400


async def steadily(end: int) -> AsyncIterator[int]:
    for value in range(end):
        yield value
        await asyncio.sleep(0.005)


async def read(client: AsyncClient, run: str) -> list[int]:
    return [value async for value in client.streams.read(run)]


async def test_a_server_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, run: str
) -> None:
    server = ServerProcess(tmp_path / "data")
    async with AsyncClient(server.url, server.secret, retries=QUICKLY) as client:
        reading = asyncio.create_task(read(client, run))
        piped = client.streams.pipe(steadily(CHUNKS), target=run, close=True)
        try:
            for _ in range(3):
                await asyncio.sleep(0.4)
                port = server.port
                server.kill()
                server.__exit__()
                await asyncio.sleep(0.1)
                server = await asyncio.to_thread(ServerProcess, tmp_path / "data", port=port)
            assert await piped.wait_until_complete() == CHUNKS - 1
            assert await reading == list(range(CHUNKS))
        finally:
            server.__exit__()


def test_a_server_that_stands_still_is_waited_for(tmp_path: Path, run: str) -> None:
    """Its process is stopped, so that connections are open and nothing is answered."""

    def slowly() -> Iterator[int]:
        for value in range(100):
            yield value
            time.sleep(0.005)

    with (
        ServerProcess(tmp_path / "data") as server,
        Client(server.url, server.secret, retries=QUICKLY) as client,
    ):
        reader = client.streams.read(run)
        piped = client.streams.pipe(slowly(), target=run, close=True)
        assert next(reader) == 0
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        server.process.send_signal(signal.SIGCONT)
        assert piped.wait_until_complete() == 99
        assert list(reader) == list(range(1, 100))
