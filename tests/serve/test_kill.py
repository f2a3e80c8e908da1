"""`kill -9` at any moment of a pipe: after the restart the client goes on, every chunk once."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from .process import ServerProcess

PATH = "/realtime/v1/streams/run_1"
CHUNKS = 3000
KILLS = 4


class Client:
    """Pipes numbered chunks as published clients do: after a break it asks how far it got."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent = 0
        self.stored = -1

    async def pipe(self, url: str, key: str) -> None:
        """Send what is missing, until all is sent or the connection breaks."""
        headers = {"Authorization": f"Bearer {key}", "X-Client-Id": self.name}
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:
            answer = await http.head(f"{PATH}/self/k")
            last = int(answer.raise_for_status().headers["X-Last-Chunk-Index"])
            assert self.stored <= last < self.sent or self.sent == 0
            self.stored = last
            start = {"X-Resume-From-Chunk": str(last + 1)}
            answer = await http.post(f"{PATH}/self/k", headers=start, content=self._lines(last + 1))
            answer.raise_for_status()

    async def _lines(self, start: int) -> AsyncIterator[bytes]:
        for number in range(start, CHUNKS):
            self.sent = max(self.sent, number + 1)
            yield f'"{self.name}-{number}"\n'.encode()
            if number % 10 == 0:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.soak)])
async def test_a_client_resumes_after_kill_9_and_every_chunk_is_there_once(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    clients = [Client("a"), Client("b")]
    for _ in range(KILLS):
        with ServerProcess(tmp_path / "data") as server:
            tasks = [asyncio.create_task(one.pipe(server.url, server.secret)) for one in clients]
            await asyncio.sleep(chance.uniform(0.02, 0.15))
            server.kill()
            for task in tasks:
                with suppress(httpx.TransportError):
                    await task
    with ServerProcess(tmp_path / "data") as server:
        for one in clients:
            await one.pipe(server.url, server.secret)
        got = read_all(server)
    assert [index for index, _ in got] == list(range(2 * CHUNKS))
    for one in clients:
        mine = [data for _, data in got if data.startswith(one.name)]
        assert mine == [f"{one.name}-{number}" for number in range(CHUNKS)]


def read_all(server: ServerProcess) -> list[tuple[int, str]]:
    """Return all chunks of the stream with their indexes."""
    got: list[tuple[int, str]] = []
    while True:
        page = server.http.get(f"{PATH}/k", params={"start": len(got), "wait": 0}).json()
        got += [(chunk["index"], chunk["data"]) for chunk in page["chunks"]]
        if page["next_index"] == page["tail"]:
            return got
