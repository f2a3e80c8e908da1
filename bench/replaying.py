"""Reading a whole stream from its first chunk on, as fast as it comes."""

import asyncio
from time import perf_counter

from .figures import Figure
from .load import Asker, Failed, Replay
from .quiet import uncollected
from .target import MIB, Target
from .wire import chunk, mark

FILL_BYTES = MIB // 4
"""Size of the appends that write what is replayed."""

REST_SECONDS = 1
"""For what goes on behind the appends' answers, before the replay."""


async def pages(target: Target, size: int) -> Figure:
    """Read *size* byte chunks as JSON pages."""
    stream, chunks = await _filled(target, size)
    reader = await target.connect(Asker)
    position, at_end, got = target.wire.start, False, 0
    with uncollected():
        began = perf_counter()
        while not at_end:
            page = await reader.ask(target.wire.poll(stream, position, 0))
            position, at_end = target.wire.after(page)
            got += len(page.body)
        took = perf_counter() - began
    reader.close()
    if mark(chunks - 1) not in page.body:
        raise Failed("the last chunk did not come back")
    return _replayed(size * chunks, got, took)


async def events(target: Target, size: int) -> Figure:
    """Read *size* byte chunks as server-sent events."""
    stream, chunks = await _filled(target, size)
    reader = await target.connect(lambda: Replay(mark(chunks - 1)))
    with uncollected():
        began = perf_counter()
        await reader.run(target.wire.listen(stream))
        took = perf_counter() - began
    reader.close()
    return _replayed(size * chunks, reader.size, took)


def _replayed(size: int, got: int, took: float) -> Figure:
    if got < size:
        raise Failed(f"of {size} bytes only {got} came back")
    return Figure(size / MIB / took, "MiB/s")


async def _filled(target: Target, size: int) -> tuple[str, int]:
    """Return a stream to be replayed and how many chunks it has; it is written at its first use."""
    if size not in target.filled:
        target.filled[size] = await _fill(target, size)
    return target.filled[size]


async def _fill(target: Target, size: int) -> tuple[str, int]:
    stream, chunks, each = (
        await target.stream(),
        target.plan.replay_bytes // size,
        FILL_BYTES // size,
    )
    writer = await target.connect(Asker)
    for number in range(0, chunks, each):
        batch = [chunk(at, size) for at in range(number, min(number + each, chunks))]
        await writer.ask(target.wire.append(stream, "writer", number, batch))
    writer.close()
    await asyncio.sleep(REST_SECONDS)
    return stream, chunks
