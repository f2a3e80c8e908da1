"""Several workers, of which one after another is killed, while many write and read."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.emulators.place import Place
from tests.serve.process import ServerProcess
from tests.serve.workers import append, check_all_there, read, workers_of

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

READERS = 8


async def keep_killing(server: ServerProcess, seconds: float) -> None:
    """Kill some worker every so many *seconds*, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        if alive := workers_of(server):
            os.kill(random.choice(alive), signal.SIGKILL)


async def survives(server: ServerProcess, writers: int, chunks: int, seconds: float) -> None:
    """Assert that all that is written while workers are killed comes to all readers."""
    who = server.url, server.headers
    killing = asyncio.create_task(keep_killing(server, seconds))
    reading = [asyncio.create_task(read(*who, writers * chunks)) for _ in range(READERS)]
    await asyncio.gather(*(append(*who, one, chunks) for one in range(writers)))
    killing.cancel()
    for got in await asyncio.gather(*reading):
        check_all_there(got, writers, chunks)
    assert server.stop() == 0
    assert "ended by signal 9" in server.log()


async def test_workers_killed_again_and_again_lose_and_double_nothing(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "4") as server:
        await survives(server, writers=32, chunks=300, seconds=1)


async def test_workers_on_aws_do_the_same(tmp_path: Path, quick_aws_place: Place) -> None:
    flags, environ = ("--aws", "--workers", "2"), quick_aws_place.environment()
    with ServerProcess(tmp_path / "d", *flags, environ=environ) as server:
        assert 'store="aws"' in server.http.get("/metrics").text
        await survives(server, writers=8, chunks=40, seconds=2)
