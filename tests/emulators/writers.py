"""Writers of one stream, a few in each of several processes, as Lambda functions would be."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runstreams.core.errors import Busy, Uncertain
from runstreams.core.log import Log
from runstreams.core.model import Batch, StoredChunk, StreamId
from runstreams.core.settings import limits_of
from runstreams.stores.aws import AwsStore
from runstreams.wiring import new_id, open_log
from tests.emulators.place import Place
from tests.tools import ROOT

STREAM = StreamId("run", "key")


@asynccontextmanager
async def opened(store: AwsStore) -> AsyncIterator[Log]:
    """Yield a log that seals inside of appends, as in a function, with limits as they are set."""
    log = open_log(store, limits_of(os.environ), background=False)
    yield log
    await log.aclose()


async def write(log: Log, client: str, batches: int) -> None:
    """Append *batches* of two chunks, each again until it is acknowledged."""
    for number in range(0, 2 * batches, 2):
        lines = b"".join(b'"%s %d"\n' % (client.encode(), number + at) for at in (0, 1))
        batch = Batch(lines, 2, log.clock(), client, number)
        while True:
            try:
                await log.append(STREAM, batch)
                break
            except (Busy, Uncertain):
                await asyncio.sleep(0.1)


async def write_all(clients: list[str], batches: int) -> None:
    """Run one writer for each of *clients*."""
    async with opened(AwsStore.from_environment(new_id=new_id)) as log:
        await asyncio.gather(*(write(log, client, batches) for client in clients))


async def write_in_processes(place: Place, processes: int, writers: int, batches: int) -> None:
    """Run *writers* writers in each of *processes* processes until all are done."""
    env = {**os.environ, **place.environment(), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    command = [sys.executable, "-m", __name__]
    groups = [[f"{at}-{writer}" for writer in range(writers)] for at in range(processes)]
    started = [
        await asyncio.create_subprocess_exec(*command, json.dumps([group, batches]), env=env)
        for group in groups
    ]
    codes = [await process.wait() for process in started]
    assert codes == [0] * processes


def check(chunks: list[StoredChunk], writers: int, batches: int) -> None:
    """Assert that each writer's chunks are there once and in order, the indexes without gaps."""
    assert [chunk.index for chunk in chunks] == list(range(writers * batches * 2))
    numbers: dict[str, list[int]] = {}
    for chunk in chunks:
        client, number = json.loads(chunk.data).split()
        numbers.setdefault(client, []).append(int(number))
    assert list(numbers.values()) == [list(range(2 * batches))] * writers
    times = [chunk.timestamp for chunk in chunks]
    assert times == sorted(times)


if __name__ == "__main__":
    asyncio.run(write_all(*json.loads(sys.argv[1])))
