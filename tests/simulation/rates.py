"""How many appends one stream takes on S3 and DynamoDB: a model of their latencies and of the head
item's limit, under the real core. `python -m tests.simulation.rates` prints the table.

Everything runs in virtual time over the memory store; the size of the head item is that of its real
encoding. What is modelled: S3 and DynamoDB answer after a log-normal time; the head item takes
1,000 write units a second, each update costing its kilobytes, a refused one too; beyond that it
throttles, and the store's own pauses and attempts follow. A batch that lies in the head takes no
time in S3; it and all others there make each update dearer, and sealing is due by the real core's
rules. The append that seals, or merges, waits for it.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from statistics import quantiles
from typing import Any

from runstreams.core.errors import Busy
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Batch, StreamId
from runstreams.core.ports import NotCommitted
from runstreams.stores.aws.calls import ATTEMPTS, pause
from runstreams.stores.aws.codec import encode_head
from runstreams.stores.aws.layout import Layout
from runstreams.stores.aws.s3 import GETS
from runstreams.stores.aws.table import head_key
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.simulation import scale

S3_PUT, S3_GET, S3_LIST, S3_DELETE = 0.022, 0.015, 0.030, 0.025
DYNAMODB, TRANSACTION = 0.0045, 0.012
"""Median seconds of a request."""

SPREAD = 0.3
"""Of the logarithm: the 99th percentile takes twice the median."""

BYTES_A_SECOND = 80e6
"""What one connection to S3 carries."""

UNITS_A_SECOND = 1000
"""Write units that one item takes."""

EVERY_SECONDS = 0.2
"""How often a writer appends, unless its last append takes longer."""

ROUND_TRIP = 0.03
"""Seconds between an answer and the same client's next request."""

STREAM = StreamId("run", "key")


@dataclass
class Cloud:
    """S3 and DynamoDB as far as time is concerned, around a memory store."""

    plan: SealingPlan
    rng: Random
    inline_bytes: int = Limits().inline_bytes
    """Largest batch that lies in the head."""
    requests: Counter[str] = field(default_factory=Counter)
    units: float = 0
    """Write units that the head has taken."""
    throttled: int = 0
    left: float = UNITS_A_SECOND
    """Write units that the head takes at once; more come with time."""
    filled: float = 0
    ids: int = 0

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.new_id, self.plan, inlines=True)

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:08x}" * 4

    async def take(self, median: float, transferred: int = 0) -> None:
        """Let the time of a request pass."""
        seconds = median * math.exp(self.rng.gauss(0, SPREAD))
        await asyncio.sleep(seconds + transferred / BYTES_A_SECOND)

    async def write_head(self, update: Callable[[], Any]) -> Any:
        """Update the head when it has units for that. Raises `Busy` like the real store, after as
        many attempts and pauses.
        """
        for attempt in range(1, ATTEMPTS + 1):
            await self.take(DYNAMODB / 2)
            if self._refill() > 0:
                before = self.head_units()
                answer = await update()
                self._spend(max(before, self.head_units()))
                await self.take(DYNAMODB / 2)
                return answer
            self.throttled += 1
            await self.take(DYNAMODB / 2)
            await asyncio.sleep(pause(attempt, self.rng.random()))
        raise Busy("throttled", retry_after=1)

    def _refill(self) -> float:
        now = asyncio.get_running_loop().time()
        self.left = min(self.left + (now - self.filled) * UNITS_A_SECOND, UNITS_A_SECOND)
        self.filled = now
        return self.left

    def _spend(self, units: float) -> None:
        self.left -= units
        self.units += units

    def head_units(self) -> int:
        head = self.store.heads.items.get("run", {}).get("key")
        item = {**head_key(STREAM), **encode_head(head)} if head else {}
        return max(math.ceil(item_bytes(item) / 1024), 1)


class TimedStore:
    """The memory store behind the cloud's latencies."""

    changes = None
    mark = Layout(spread=True, short=True).mark
    window = MemoryStore.window

    def __init__(self, cloud: Cloud, requests: Counter[str]) -> None:
        """Count what is asked of it in *requests*."""
        self.plan = cloud.plan
        self.runs = _Timed(cloud, requests, "runs")
        self.heads = _Timed(cloud, requests, "heads")
        self.batches = _Timed(cloud, requests, "batches")
        self.segments = _Timed(cloud, requests, "segments")

    async def aclose(self) -> None:
        """Nothing to let go of."""


class _Timed:
    def __init__(self, cloud: Cloud, requests: Counter[str], name: str) -> None:
        self._cloud, self._requests, self._name = cloud, requests, name
        self._port = getattr(cloud.store, name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    async def _call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        cloud, name = self._cloud, f"{self._name}.{method}"
        effect = partial(getattr(self._port, method), *args, **kwargs)
        if name == "batches.put" and (staged := await effect()).inline:
            return staged
        self._requests[name] += 1
        if name in ("heads.commit", "heads.seal", "heads.forget"):
            answer = await cloud.write_head(effect)
            self._requests["refused commit"] += isinstance(answer, NotCommitted)
            return answer
        median, rounds, transferred = _cost(name, args)
        for _ in range(rounds):
            await cloud.take(median, transferred)
        return await effect()


def _cost(name: str, args: Sequence[Any]) -> tuple[float, int, int]:
    """Return the median time of a request, how often it is needed in turn, and the bytes moved."""
    if name == "batches.put":
        return S3_PUT, 1, len(args[1].lines)
    if name == "batches.get":
        return S3_GET, math.ceil(len(args[1]) / GETS), 0
    if name == "segments.put":
        return S3_PUT, 1, len(args[2])
    if name == "segments.get":
        return S3_GET, 1, args[1].size
    if name in ("segments.names", "segments.generations"):
        return S3_LIST, 1, 0
    if name in ("batches.delete", "segments.delete"):
        return S3_DELETE, 1, 0
    if name == "heads.spill":
        return DYNAMODB, math.ceil(len(args[2]) / GETS), 0
    return (TRANSACTION if name == "heads.open" else DYNAMODB), 1, 0


def item_bytes(value: Any) -> int:
    """Return the size of an item, or of a value in it, as DynamoDB counts it."""
    if "L" in value and len(value) == 1:
        return 3 + sum(1 + item_bytes(each) for each in value["L"])
    if "S" in value and len(value) == 1:
        return len(value["S"].encode())
    if "N" in value and len(value) == 1:
        return len(value["N"]) // 2 + 2
    if set(value) & {"BOOL", "NULL"} and len(value) == 1:
        return 1
    return sum(len(name.encode()) + item_bytes(each) for name, each in value.items())


@dataclass(frozen=True)
class Result:
    """What a number of writers saw."""

    writers: int
    appends: float
    """A second."""
    p50: float
    p99: float
    """Milliseconds from the first try to the acknowledgement."""
    units: float
    """Write units an append, sealing included."""
    busy: int
    """Appends told to come back."""
    unsealed: int
    """The longest list of unsealed batches."""
    clients: int
    puts: float
    """S3 requests that are billed as puts, an append."""
    late: float
    """Segments that the reader has got, a seal: what it found was sealed already."""
    lists: float
    """How often it has listed segments, a seal."""


async def measure(
    writers: int,
    plan: SealingPlan,
    seconds: float,
    *,
    one_shots: int = 0,
    background: bool = False,
    inline_bytes: int = Limits().inline_bytes,
    size: int = 100,
    every: float = EVERY_SECONDS,
) -> Result:
    """Let *writers* append batches of *size* bytes *every* so many seconds, for *seconds*, beside
    *one_shots* new clients a second. Those of up to *inline_bytes* lie in the head. One reader
    follows them.
    """
    cloud = Cloud(plan, Random(1), inline_bytes)
    opened = partial(_log, cloud, inline_bytes, background)
    logs = [opened(cloud.requests) for _ in range(writers)]
    seen = _Seen(cloud, size, every)
    until = asyncio.get_running_loop().time() + seconds
    reading = asyncio.create_task(seen.reader(lambda: opened(seen.looks)))
    everybody = [seen.writer(log, f"{at:032x}", until) for at, log in enumerate(logs)]
    if one_shots:
        everybody.append(seen.newcomers(logs, one_shots, until))
    await asyncio.gather(*everybody)
    reading.cancel()
    return seen.result(writers, seconds)


def _log(cloud: Cloud, inline_bytes: int, background: bool, requests: Counter[str]) -> Log:
    store: Any = TimedStore(cloud, requests)
    return Log(
        store,
        limits=Limits(stream_bytes=0, inline_bytes=inline_bytes),
        clock=virtual_time.clock,
        new_id=cloud.new_id,
        background=background,
    )


@dataclass
class _Seen:
    """What happened to the writers."""

    cloud: Cloud
    size: int
    """Bytes of a batch."""
    every: float
    """Seconds between two appends of a writer."""
    looks: Counter[str] = field(default_factory=Counter)
    """What the reader has asked for."""
    took: list[float] = field(default_factory=list)
    busy: int = 0
    unsealed: int = 0
    clients: int = 0

    async def writer(self, log: Log, client: str, until: float) -> None:
        """Append a chunk every so often."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.cloud.rng.random() * self.every)
        number = 0
        while (began := loop.time()) < until:
            await self.append(log, client, number, until)
            number += 1
            await asyncio.sleep(max(began + self.every - loop.time(), 0))

    async def reader(self, opened: Callable[[], Log]) -> None:
        """Take what comes by long polls, each in a process of its own."""
        index = 0
        while True:
            log = opened()
            index = (await log.read(STREAM, index, seconds=20)).next_index
            await log.aclose()
            await asyncio.sleep(ROUND_TRIP)

    async def newcomers(self, logs: Sequence[Log], rate: int, until: float) -> None:
        """Append one chunk each, as clients that never come again."""
        loop, at = asyncio.get_running_loop(), 0
        async with asyncio.TaskGroup() as tasks:
            while loop.time() < until:
                at += 1
                tasks.create_task(self.append(self.cloud.rng.choice(logs), f"n{at:031x}", 0, until))
                await asyncio.sleep(self.cloud.rng.expovariate(rate))

    async def append(self, log: Log, client: str, number: int, until: float) -> None:
        """Append one chunk, trying again while the stream is busy, until the end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        data = b'"%s"\n' % (b"x" * (self.size - 2))
        batch = Batch(data, 1, log.clock(), client, number)
        while True:
            try:
                await log.append(STREAM, batch)
                break
            except Busy:
                self.busy += 1
                if loop.time() >= until:
                    return
                await asyncio.sleep(1)
        self.took.append(loop.time() - began)
        head = self.cloud.store.heads.items["run"]["key"]
        self.unsealed = max(self.unsealed, head.unsealed)
        self.clients = max(self.clients, len(head.clients))

    def result(self, writers: int, seconds: float) -> Result:
        """Sum up."""
        cut = quantiles(self.took, n=100)
        count, requests = len(self.took), self.cloud.requests
        puts = requests["batches.put"] + requests["segments.put"] + requests["segments.names"]
        return Result(
            writers,
            count / seconds,
            cut[49] * 1000,
            cut[98] * 1000,
            self.cloud.units / count,
            self.busy,
            self.unsealed,
            self.clients,
            puts / count,
            self.looks["segments.get"] / max(requests["heads.seal"], 1),
            self.looks["segments.names"] / max(requests["heads.seal"], 1),
        )


def show(plan: SealingPlan, seconds: float = 30, **how: int) -> None:
    """Print the table for one plan, and for one way to write."""
    print(f"\n{plan}, {how}")
    titles = ("writers", "appends/s", "p50 ms", "p99 ms", "units/append", "busy")
    print("", *titles, "unsealed", "clients", "puts", "late", "lists", "", sep=" | ")
    print("|" + "---|" * 11)
    for writers in (1, 10, 100):
        got = virtual_time.run(measure(writers, plan, seconds, **how))
        print(
            f"| {got.writers} | {got.appends:.0f} | {got.p50:.1f} | {got.p99:.0f} "
            f"| {got.units:.2f} | {got.busy} | {got.unsealed} | {got.clients} | {got.puts:.2f} "
            f"| {got.late:.2f} | {got.lists:.2f} |"
        )


if __name__ == "__main__":
    for size in (100, 180, 250, 500):
        show(SealingPlan(), size=size)
    show(SealingPlan(), inline_bytes=0)
    show(SealingPlan(), one_shots=20)
    show(replace(SealingPlan(), clients=128), one_shots=20)
    print("\nHow much AWS lets through (docs/scale.md):", *scale.lines(), sep="\n")
