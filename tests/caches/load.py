"""Live readers of one stream by the thousand in one process, and how soon chunks reach them.

`python -m tests.caches` prints the figures of docs/caching.md.
"""

import asyncio
import re
from asyncio import sleep
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter

from bench.http1 import Response, request
from bench.load import Asker, Connection, Failed, connect

RUN, KEY = "run_1", "out"

PATIENCE_SECONDS = 60
"""How long is waited for the last chunk to be everywhere."""

_AT_A_TIME = 50
"""Readers that connect at once."""

_CHUNK = re.compile(rb'"index":(\d+),"data":\d+,"id":"([^"]+)-\d+"')
_NEXT = re.compile(rb'"next_index":(\d+)')
_CURSOR = re.compile(rb'"cursor":(\d+)')


@dataclass
class Load:
    """What readers have had so far of chunks that were sent one by one."""

    readers: int
    chunks: int
    sent: list[float] = field(default_factory=list)
    """When each chunk was sent."""
    times: list[float] = field(default_factory=list)
    """How long each was on its way to each reader."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    error: Failed | None = None

    def arrived(self, index: int, now: float) -> None:
        """A reader has the chunk at *index*."""
        self.times.append(now - self.sent[index])
        if len(self.times) == self.readers * self.chunks:
            self.done.set()

    def failed(self, error: Failed) -> None:
        """A reader goes no further."""
        self.error = self.error or error
        self.done.set()

    def percentile(self, percent: int) -> float:
        """Return the milliseconds in which so many percent were there."""
        return quantiles(self.times, n=100)[percent - 1] * 1000


Asking = Callable[[int, str | None, bytes | None], bytes]
"""Makes the request for what comes from an index on, of a generation, with a cursor."""


def by_pages(token: str) -> Asking:
    """Ask for pages that are the same for all readers."""
    headers = f"Authorization: Bearer {token}\r\n".encode()

    def ask(start: int, generation: str | None, cursor: bytes | None) -> bytes:
        fields = [f"generation={generation}"] if generation else []
        fields += [f"start={start}", *([f"cursor={cursor.decode()}"] if cursor else [])]
        return request("GET", f"/realtime/v1/pages/{RUN}/{KEY}?{'&'.join(fields)}", headers)

    return ask


def by_polls(token: str) -> Asking:
    """Ask the server itself, each reader for itself."""
    headers = f"Authorization: Bearer {token}\r\n".encode()

    def ask(start: int, generation: str | None, cursor: bytes | None) -> bytes:
        query = f"start={start}&wait=20&limit=10000"
        return request("GET", f"/realtime/v1/streams/{RUN}/{KEY}?{query}", headers)

    return ask


class Reader(Connection):
    """Reads the stream from its beginning, and minds that each chunk comes once and in order."""

    def __init__(self, load: Load, ask: Asking) -> None:
        super().__init__()
        self._load, self._ask = load, ask
        self._next = 0
        self._generation: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.send(self._ask(0, None, None))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._load.failed(Failed("a reader's connection broke"))

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        for response in self._responses.feed(data):
            self._take(response, now)

    def _take(self, response: Response, now: float) -> None:
        if response.status != 200:
            self._load.failed(Failed(f"{response.status}: {response.body[:200]!r}"))
            return
        for index, generation in _CHUNK.findall(response.body):
            if int(index) != self._next:
                self._load.failed(Failed(f"chunk {index.decode()} came for {self._next}"))
            self._load.arrived(self._next, now)
            self._next, self._generation = self._next + 1, generation.decode()
        if self._next < self._load.chunks:
            cursor = _CURSOR.search(response.body)
            self.send(self._ask(self._next, self._generation, cursor[1] if cursor else None))


async def delivered(
    server: int,
    key: str,
    port: int,
    asking: Asking,
    readers: int,
    chunks: int,
    rate: float,
    silence: float = 0,
) -> Load:
    """Let *readers* at *port* read so many *chunks* live, appended to the *server* at *rate* a
    second, after so many seconds of *silence*. Raises `Failed`.
    """
    load = Load(readers, chunks)
    writer = await connect(server, Asker)
    everybody: list[Reader] = []
    try:
        for at in range(0, readers, _AT_A_TIME):
            some = min(_AT_A_TIME, readers - at)
            everybody += await asyncio.gather(
                *(connect(port, lambda: Reader(load, asking)) for _ in range(some))
            )
        await sleep(silence)
        await _append(writer, key, load, rate)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await load.done.wait()
    except TimeoutError:
        missing = readers * chunks - len(load.times)
        raise Failed(f"{missing} chunks never came") from None
    finally:
        for connection in (writer, *everybody):
            connection.close()
    if load.error is not None:
        raise load.error
    return load


async def _append(writer: Asker, key: str, load: Load, rate: float) -> None:
    headers = f"Authorization: Bearer {key}\r\nX-Client-Id: writer\r\n"
    begun = perf_counter()
    for number in range(load.chunks):
        await sleep(begun + number / rate - perf_counter())
        numbered = f"{headers}X-Resume-From-Chunk: {number}\r\n".encode()
        path = f"/realtime/v1/streams/{RUN}/self/{KEY}"
        load.sent.append(perf_counter())
        await writer.ask(request("POST", path, numbered, b"%d\n" % number))
        if load.error is not None:
            return
