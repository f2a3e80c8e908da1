"""What a look at a stream's head and an event to a reader take of a server's processor:
`python -m tests.deployed.reader_tier`. The sums of `runstreams.costs.tier` go by it.

Readers are on a server as deploy/readers.yaml has it, a second one appends, and an emulator is in
the place of AWS; the processor's time is that of the first alone.
"""

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from runstreams.serve.open_files import raise_limit
from tests.emulators.ministack import command, ministack
from tests.emulators.place import fresh_place
from tests.serve.process import ServerProcess
from tests.serve.wire import Connection, sse

SILENT_STREAMS = 50
READERS = 1_000
SECONDS = 20
PAUSE = 0.25
"""Between two appends."""

SETTLE_SECONDS = 3
KEY = "the-secret-key-of-the-measurement"
MIB = 1024 * 1024


class Taken(NamedTuple):
    """What a server has taken and done so far."""

    processor: float
    looks: float
    memory: float


def main() -> int:
    """Measure, print, and return the exit code."""
    if command() is None:
        print("skipped: the tier for readers: ministack is not installed")
        return 0
    raise_limit()
    with TemporaryDirectory() as folder, ministack() as endpoint:
        environ = {**fresh_place(endpoint).environment(), "RUNSTREAMS_SECRET_KEY": KEY}
        with (
            ServerProcess(Path(folder) / "w", "--aws", environ=environ) as writer,
            ServerProcess(Path(folder) / "r", "--aws", "--reads-only", environ=environ) as server,
        ):
            asyncio.run(measure(writer, server))
    return 0


async def measure(writer: ServerProcess, server: ServerProcess) -> None:
    look = await look_seconds(writer, server)
    print(f"a look: {look * 1000:.2f} ms of a processor")
    event, memory = await event_seconds(writer, server, look)
    print(f"an event to one of {READERS:,} readers: {event * 1000:.3f} ms")
    print(f"memory with {READERS:,} readers: {memory / MIB:.0f} MiB")


async def look_seconds(writer: ServerProcess, server: ServerProcess) -> float:
    """Measure with streams that are silent, one reader each."""
    for number in range(SILENT_STREAMS):
        append(writer, f"run_{number}", 0)
    readers = [await sse(server, path(f"run_{number}")) for number in range(SILENT_STREAMS)]
    await asyncio.sleep(SETTLE_SECONDS)
    before = taken(server)
    await asyncio.sleep(SECONDS)
    after = taken(server)
    await close(readers)
    return (after.processor - before.processor) / (after.looks - before.looks)


async def event_seconds(
    writer: ServerProcess, server: ServerProcess, look: float
) -> tuple[float, float]:
    """Measure with one stream that all read, a look being known; return the memory as well."""
    append(writer, "run_all", 0)
    readers = [await sse(server, path("run_all")) for _ in range(READERS)]
    await asyncio.sleep(SETTLE_SECONDS)
    before, began, count = taken(server), time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        count += 1
        await asyncio.to_thread(append, writer, "run_all", count)
        await asyncio.sleep(PAUSE)
    await asyncio.gather(*(reader.until(b'"seq_num":%d,' % count) for reader in readers))
    after = taken(server)
    await close(readers)
    delivering = after.processor - before.processor - look * (after.looks - before.looks)
    return delivering / (count * READERS), after.memory


def taken(server: ServerProcess) -> Taken:
    lines = server.http.get("/metrics").raise_for_status().text.splitlines()
    values = dict(line.split(" ")[:2] for line in lines if not line.startswith("#"))
    names = ("process_cpu_seconds_total", "runstreams_head_polls_total")
    processor, looks = (float(values[name]) for name in names)
    return Taken(processor, looks, float(values["process_resident_memory_bytes"]))


def append(writer: ServerProcess, run: str, number: int) -> None:
    answer = writer.http.post(f"/realtime/v1/streams/{run}/self/k/append", content=str(number))
    answer.raise_for_status()


async def close(readers: list[Connection]) -> None:
    for reader in readers:
        await reader.close()


def path(run: str) -> str:
    return f"/realtime/v1/streams/{run}/k"


if __name__ == "__main__":
    sys.exit(main())
