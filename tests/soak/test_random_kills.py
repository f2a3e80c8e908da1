"""Several real writers of one stream, killed at random, again and again, while it is read."""

import asyncio
import random
import signal
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from runstreams.core.errors import ObjectMissing
from runstreams.core.log import Log
from runstreams.core.model import Closed, StoredChunk
from tests.soak.killed_writer import log_of, opened
from tests.soak.steady_writer import STREAM, chunk
from tests.soak.test_kills import aws_place

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

CLIENTS = ("anna", "bert", "cleo", "dora")
KILLS = 12
"""Of each writer."""

ENDLESS = 10**9
MORE = 100
"""Chunks that a writer sends when it is not killed any more."""


class Lives:
    """One writer's lives, and what was acknowledged to it in all of them."""

    def __init__(self, kind: str, where: str, client: str) -> None:
        self.command = ("-m", "tests.soak.steady_writer", kind, where, client)
        self.client = client
        self.total = ENDLESS
        """Chunks that it is to send."""
        self.acknowledged: dict[int, int] = {}
        """Indexes by the client's own numbers."""

    async def live(self) -> None:
        """Be killed time and again, then finish in peace."""
        for _ in range(KILLS):
            assert await self._once(0.5 + random.random()) == -signal.SIGKILL
        self.total = max(self.acknowledged, default=0) + MORE
        assert await self._once(None) == 0

    async def _once(self, seconds: float | None) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *self.command, str(self.total), stdout=asyncio.subprocess.PIPE
        )
        reading = asyncio.create_task(self._note(process.stdout))
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.kill()
        code = await process.wait()
        await reading
        return code

    async def _note(self, output: asyncio.StreamReader | None) -> None:
        assert output is not None
        async for line in output:
            if line.endswith(b"\n"):
                number, index = map(int, line.split())
                self.acknowledged[number] = index


@pytest.mark.parametrize("kind", ["sqlite", "inline", "objects"])
async def test_writers_killed_at_random_lose_and_double_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path) if kind == "sqlite" else aws_place(request)
    log = log_of(kind, opened(kind, where))
    writers = [Lives(kind, where, client) for client in CLIENTS]
    reader = asyncio.create_task(follow(log))
    async with asyncio.TaskGroup() as lives:
        for writer in writers:
            lives.create_task(writer.live())
    await log.close(STREAM, Closed("completed"))
    chunks = await reader
    check_order(chunks, {writer.client: writer.total for writer in writers})
    data = [each.data for each in chunks]
    for writer in writers:
        for number, index in writer.acknowledged.items():
            assert data[index] == chunk(writer.client, number)
    again = await follow(log_of(kind, opened(kind, where)))
    assert again == chunks
    await log.aclose()


async def follow(log: Log) -> list[StoredChunk]:
    """Return what one gets who reads along until the end."""
    chunks: list[StoredChunk] = []
    while True:
        try:
            page = await log.read(STREAM, len(chunks), seconds=5)
        except ObjectMissing as missing:
            raise AssertionError(f"chunk {len(chunks)} is lost") from missing
        chunks += page.chunks
        if page.closed is not None:
            return chunks


def check_order(chunks: list[StoredChunk], totals: dict[str, int]) -> None:
    assert [each.index for each in chunks] == list(range(len(chunks)))
    times = [each.timestamp for each in chunks]
    assert times == sorted(times)
    sent: dict[str, list[int]] = defaultdict(list)
    for each in chunks:
        if each.data != b'"guest"':
            client, number = each.data.decode().strip('"').split()
            sent[client].append(int(number))
    for client, total in totals.items():
        assert sent[client] == list(range(len(sent[client])))
        assert len(sent[client]) >= total
