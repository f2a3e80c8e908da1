"""What the embedded store takes by itself, in one process and without HTTP:
`python -m bench.embedded`.
"""

import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from runstreams.core.limits import BATCH_BYTES, Limits
from runstreams.core.model import Batch, StreamId
from runstreams.stores.sqlite import SqliteStore
from runstreams.wiring import new_id, open_log

from .figures import quantile
from .quiet import uncollected
from .servers import WORK

KIB, MIB = 1024, 1024 * 1024
WRITERS = 50
REPLAYED = 50 * MIB
LARGE = 300 * MIB


class Bench:
    """A log on a store of its own."""

    def __init__(self, folder: Path, power_safe: bool) -> None:
        store = SqliteStore(folder, new_id=new_id, power_safe=power_safe)
        self.log = open_log(store, Limits(stream_bytes=0))

    async def write(self, key: str, batch: int, size: int, count: int) -> list[float]:
        """Append *count* batches of *batch* chunks of *size* bytes; return the seconds of each."""
        stream, chunk = StreamId("run", key), b'"%s"\n' % (b"x" * (size - 2))
        times = []
        for number in range(count):
            began = time.perf_counter()
            made = Batch(chunk * batch, batch, self.log.clock(), key, number * batch)
            await self.log.append(stream, made)
            times.append(time.perf_counter() - began)
        return times

    async def replay(self, key: str) -> float:
        """Read a stream page by page; return MiB a second."""
        began, size = time.perf_counter(), 0
        cursor, head = self.log.cursor(StreamId("run", key)), None
        at = 0
        while head is None or at < head.tail:
            head = await self.log.head(cursor.stream, since=at)
            assert head is not None
            page = await cursor.page(head, at)
            at, size = page.next_index, size + sum(len(chunk.data) for chunk in page.chunks)
        return size / MIB / (time.perf_counter() - began)


async def sequential(bench: Bench) -> str:
    await bench.write("warm", 1, 100, 2000)
    times = await bench.write("one", 1, 100, 5000)
    return f"{quantile(times, 0.5) * 1000:.2f} ms p50, {quantile(times, 0.99) * 1000:.2f} ms p99"


async def at_once(bench: Bench) -> str:
    began = time.perf_counter()
    await asyncio.gather(*(bench.write(f"task {task}", 1, 100, 400) for task in range(WRITERS)))
    return f"{WRITERS * 400 / (time.perf_counter() - began):,.0f} /s"


async def batches(bench: Bench) -> str:
    times = await bench.write("batches", 100, 100, 1000)
    return f"{100_000 / sum(times):,.0f} chunks/s"


async def large(bench: Bench) -> str:
    times = await bench.write("large", 1, 64 * KIB, 1600)
    return f"{100 / sum(times):.0f} MiB/s, {quantile(times, 0.99) * 1000:.1f} ms p99"


async def replays(bench: Bench) -> str:
    speeds = []
    for size in (100, KIB, 64 * KIB):
        batch = min(100, BATCH_BYTES // size)
        await bench.write(f"replay {size}", batch, size, REPLAYED // (batch * size))
        speeds.append(await bench.replay(f"replay {size}"))
    return " / ".join(f"{speed:.0f}" for speed in speeds) + " MiB/s"


async def memory(bench: Bench) -> str:
    await bench.write("memory", 1, 64 * KIB, LARGE // (64 * KIB))
    await bench.replay("memory")
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB:.0f} MiB"


ROWS: list[tuple[str, Callable[[Bench], Awaitable[str]], bool]] = [
    ("append of one 100 B chunk, sequential", sequential, False),
    ("the same, power safe", sequential, True),
    (f"appends of {WRITERS} tasks", at_once, False),
    ("the same, power safe", at_once, True),
    ("batches of 100 chunks of 100 B, sequential", batches, False),
    ("batches of 64 KiB, sequential, sealing beside them", large, False),
    ("replay of 50 MiB of 100 B / 1 KiB / 64 KiB chunks, just written", replays, False),
    ("peak memory of the process, 300 MiB written and replayed", memory, False),
]


def main() -> None:
    """Measure each row on a store of its own, and print it."""
    WORK.mkdir(exist_ok=True)
    for name, measure, power_safe in ROWS:
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            print(f"| {name} | {asyncio.run(_measured(measure, Path(folder), power_safe))} |")


async def _measured(
    measure: Callable[[Bench], Awaitable[str]], folder: Path, power_safe: bool
) -> str:
    bench = Bench(folder, power_safe)
    try:
        with uncollected():
            return await measure(bench)
    finally:
        await bench.log.aclose()


if __name__ == "__main__":
    main()
