"""Several processes on one database, and processes that are killed."""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from runstreams.core.model import StoredChunk
from tests.stores.sqlite_log import STREAM, opened


class Writer:
    """A process that appends, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.acknowledged: dict[int, int] = {}

    @classmethod
    async def start(cls, folder: Path, client: str, count: int) -> "Writer":
        """Let *client* append up to chunk number *count*."""
        command = (sys.executable, "-m", "tests.stores.sqlite_writer", folder, client, str(count))
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    async def kill_after(self, count: int) -> None:
        """Kill the process once it has seen *count* chunks acknowledged."""
        while len(self.acknowledged) < count and await self._listen():
            pass
        self._process.kill()
        await self.finish()

    async def finish(self) -> int:
        """Listen to the end; return the exit code."""
        while await self._listen():
            pass
        return await self._process.wait()

    async def _listen(self) -> bool:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            return False
        number, index = line.split()
        self.acknowledged[int(number)] = int(index)
        return True


def by_client(chunks: Sequence[StoredChunk]) -> dict[str, list[int]]:
    """Return each client's numbers in the order of the stream."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for chunk in chunks:
        client, number = json.loads(chunk.data).split()
        numbers[client].append(int(number))
    return dict(numbers)


async def test_eight_processes_append_to_one_stream_once_and_in_order(tmp_path: Path) -> None:
    """They all start at once where there is no database yet."""
    clients = [f"client{at}" for at in range(8)]
    writers = [await Writer.start(tmp_path / "data", client, 200) for client in clients]

    assert [await writer.finish() for writer in writers] == [0] * 8

    async with opened(tmp_path / "data") as log:
        chunks = await log.everything()
    assert list(range(1600)) == [chunk.index for chunk in chunks]
    assert {client: list(range(200)) for client in clients} == by_client(chunks)


@pytest.mark.parametrize("acknowledged", [1, 60, 300])
async def test_what_a_killed_writer_saw_acknowledged_is_there(
    tmp_path: Path, acknowledged: int
) -> None:
    """It resumes after kill -9 and finishes, and every chunk is there once and in order."""
    other = await Writer.start(tmp_path, "other", 400)
    killed = await Writer.start(tmp_path, "killed", 400)
    await killed.kill_after(acknowledged)

    async with opened(tmp_path) as log:
        there = {chunk.index: chunk.data for chunk in await log.everything()}
    for number, index in killed.acknowledged.items():
        assert f'"killed {number}"'.encode() == there[index]

    resumed = await Writer.start(tmp_path, "killed", 400)
    assert [await writer.finish() for writer in (resumed, other)] == [0, 0]
    async with opened(tmp_path) as log:
        chunks = await log.everything()
    assert list(range(800)) == [chunk.index for chunk in chunks]
    assert {"killed": list(range(400)), "other": list(range(400))} == by_client(chunks)


async def test_another_process_is_noticed_and_this_one_is_not(tmp_path: Path) -> None:
    """A change check tells of others' commits once, and never of one's own."""
    async with opened(tmp_path) as log:
        await log.append()
        assert not log.store.changes()

        await (await Writer.start(tmp_path, "other", 1)).finish()
        assert log.store.changes()
        assert not log.store.changes()
        await log.append()
        assert not log.store.changes()


async def test_a_waiting_reader_gets_what_another_process_appends(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        reading = asyncio.create_task(log.log.read(STREAM, 0, seconds=60))
        await (await Writer.start(tmp_path, "other", 1)).finish()
        page = await reading
    assert [chunk.data for chunk in page.chunks] == [b'"other 0"']
