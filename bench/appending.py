"""Appends: how long one takes, and how many there are in a second."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from time import perf_counter

from .figures import Figure, latency, rate
from .load import Pump
from .quiet import uncollected
from .target import Target
from .wire import Ours, appends

SMALL = 100
"""Bytes of a chunk: a token of text with its envelope."""


async def one_by_one(target: Target) -> Figure:
    """One connection, one chunk at a time."""
    source = appends(target.wire, await target.stream(), "writer", SMALL, 1)
    times, _ = await pump(target, [source], target.plan.seconds)
    return latency(times)


async def text_one_by_one(target: Target) -> Figure:
    """One connection, one text part at a time, as `streams.append` sends it."""
    assert isinstance(target.wire, Ours)
    part = target.wire.append_text(await target.stream(), b"x" * SMALL)
    times, _ = await pump(target, [repeat(part)], target.plan.seconds)
    return latency(times)


async def at_once(target: Target, connections: int, batch: int, streams: int = 1) -> Figure:
    """So many connections at once, *batch* chunks an append: chunks a second."""
    names = [await target.stream() for _ in range(streams)]
    sources = [
        appends(target.wire, names[at % streams], f"writer-{at}", SMALL, batch)
        for at in range(connections)
    ]
    times, took = await pump(target, sources, target.plan.seconds)
    return rate(len(times) * batch, took, times)


async def pump(
    target: Target, sources: Sequence[Iterator[bytes]], seconds: float
) -> tuple[list[float], float]:
    """Send each source's requests on a connection of its own, one after the other.

    Returns the time of each, and how long it went on.
    """
    pumps = [await target.connect(partial(Pump, each)) for each in sources]
    with uncollected():
        began = perf_counter()
        await asyncio.gather(*(each.run(seconds) for each in pumps))
        took = perf_counter() - began
    for each in pumps:
        each.close()
    return [time for each in pumps for time in each.times], took
