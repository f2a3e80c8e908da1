"""What is measured of the SDK. `python -m bench.sdk_load WHAT SECONDS DELIVERIES` prints it."""

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from time import perf_counter
from uuid import uuid4

from runstreams import Client, aio, streams
from runstreams.core.model import StreamId
from runstreams.sdk.records import Receipt
from runstreams.sdk.settings import Timeouts
from runstreams.sdk.transports.http import HttpTransport

from .figures import Figure, latency
from .servers import SECRET

EVERY_SECONDS = 0.02
"""Between two chunks of a source: 50 a second, as a model's tokens."""

NETWORK_BYTES = 1_000_000
"""What the slow network carries in a second. The source makes a hundred times as much."""

FAST_SECONDS = 0.01
"""How long the source may take for a second's worth of the network."""

KIB = 1024
MIB = 1024 * KIB


def pipe(seconds: float, deliveries: int) -> Figure:
    """Pipe as many small chunks as go, from a generator."""

    def source() -> Iterator[str]:
        for number in _numbers(seconds):
            yield f"token {number:013}"

    began = perf_counter()
    last = streams.pipe(source(), target=_run()).wait_until_complete()
    return Figure((last or 0) / (perf_counter() - began), "/s")


async def async_pipe(seconds: float, deliveries: int) -> Figure:
    """Do the same from an async generator."""

    async def source() -> AsyncIterator[str]:
        for number in _numbers(seconds):
            yield f"token {number:013}"

    began = perf_counter()
    last = await aio.streams.pipe(source(), target=_run()).wait_until_complete()
    return Figure((last or 0) / (perf_counter() - began), "/s")


def delivery(seconds: float, deliveries: int) -> Figure:
    """Follow from each `yield` of a source to the loop of a reader of another client."""
    run, given, times = _run(), list[float](), list[float]()
    waiting = threading.Event()

    def source() -> Iterator[int]:
        waiting.wait()
        for number in range(deliveries):
            time.sleep(EVERY_SECONDS)
            given.append(perf_counter())
            yield number

    with Client() as client, client.streams.read(run) as reader:
        streams.pipe(source(), target=run, close=True)
        while reader.state == "connecting":
            time.sleep(EVERY_SECONDS)
        waiting.set()
        for number in reader:
            times.append(perf_counter() - given[number])
    return _all(times, deliveries)


async def async_delivery(seconds: float, deliveries: int) -> Figure:
    """Do the same in one event loop."""
    run, given, times = _run(), list[float](), list[float]()
    waiting = asyncio.Event()

    async def source() -> AsyncIterator[int]:
        await waiting.wait()
        for number in range(deliveries):
            await asyncio.sleep(EVERY_SECONDS)
            given.append(perf_counter())
            yield number

    async with aio.AsyncClient() as client, client.streams.read(run) as reader:
        aio.streams.pipe(source(), target=run, close=True)
        while reader.state == "connecting":
            await asyncio.sleep(EVERY_SECONDS)
        waiting.set()
        async for number in reader:
            times.append(perf_counter() - given[number])
    return _all(times, deliveries)


class SlowNetwork(HttpTransport):
    """The server behind a network that carries little."""

    async def append(
        self,
        stream: StreamId,
        client: str,
        number: int,
        body: bytes,
        lease: int | None = None,
        fence: int | None = None,
        supersedes: int | None = None,
    ) -> Receipt:
        await asyncio.sleep(len(body) / NETWORK_BYTES)
        said = client, number, body, lease, fence, supersedes
        return await super().append(stream, *said)


def memory(seconds: float, deliveries: int) -> Figure:
    """Return how much more memory the process takes at most, while a source of 1 KiB chunks is a
    hundred times as fast as the network.
    """
    import os

    url = os.environ["RUNSTREAMS_URL"]
    at_once = round(NETWORK_BYTES / KIB)

    def source() -> Iterator[str]:
        for number in _numbers(seconds):
            if number % at_once == 0:
                time.sleep(FAST_SECONDS)
            yield f"{number:0{KIB}}"

    timeouts = Timeouts(flush=1)
    with Client(
        token=SECRET, transport=lambda: SlowNetwork(url, SECRET, timeouts), timeouts=timeouts
    ) as client:
        client.streams.append("warm", target=_run())
        before = _peak()
        piped = client.streams.pipe(source(), target=_run())
        try:
            piped.wait_until_complete(seconds)
        except TimeoutError:
            grown = _peak() - before
        else:
            raise SystemExit("the source was no faster than the network")
        piped.cancel()
    return Figure(grown / MIB, "MiB")


def _numbers(seconds: float) -> Iterator[int]:
    """Yield 0, 1, 2 … until the time is over; it is looked at now and then."""
    until, number = perf_counter() + seconds, 0
    while number % 100 or perf_counter() < until:
        yield number
        number += 1


def _run() -> str:
    return f"run_{uuid4().hex}"


def _all(times: list[float], deliveries: int) -> Figure:
    if len(times) != deliveries:
        raise SystemExit(f"{len(times)} chunks of {deliveries} have come")
    return latency(times)


def _peak() -> int:
    """Return the largest resident size so far, in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * KIB


PLAIN: dict[str, Callable[[float, int], Figure]] = {
    "pipe": pipe,
    "delivery": delivery,
    "memory": memory,
}
ASYNC = {"async pipe": async_pipe, "async delivery": async_delivery}


def main(what: str, seconds: float, deliveries: int) -> None:
    """Measure and print."""
    if what in PLAIN:
        figure = PLAIN[what](seconds, deliveries)
    else:
        figure = asyncio.run(ASYNC[what](seconds, deliveries))
    print(json.dumps(asdict(figure)))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
