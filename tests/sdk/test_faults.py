"""The SDK over a network that fails: every chunk exactly once and in order, nothing left behind."""

import asyncio
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from runstreams import Batching, Client, Retries
from runstreams.aio import AsyncClient
from runstreams.errors import Unexpected, Unreachable
from runstreams.sdk.settings import Timeouts
from tests.faults.proxy import Fault, FaultProxy, Rule, Seen
from tests.faults.rules import Then
from tests.serve.process import ServerProcess
from tests.tools import ROOT

QUICKLY = Retries(first=0.01, longest=0.05)
PATIENT = {"retries": QUICKLY, "timeouts": Timeouts(request=5, stall=5)}

SEEDS = range(3)
MANY_SEEDS = range(100, 300)


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy, server: ServerProcess) -> Iterator[Client]:
    before = set(threading.enumerate())
    with Client(proxy.url, server.secret, **PATIENT) as client:  # type: ignore[arg-type]
        yield client
    assert set(threading.enumerate()) == before


class Bounded:
    """A source that sees how much is unsent."""

    def __init__(self, seed: int, end: int) -> None:
        self._chance = random.Random(seed)
        self._end = end
        self.most = 0
        self.producer: Any = None

    async def __aiter__(self) -> AsyncIterator[list[Any]]:
        for value in range(self._end):
            yield [value, "x" * self._chance.randrange(200)]
            self.most = max(self.most, self.producer.unsent)
            if self._chance.random() < 0.1:
                await asyncio.sleep(self._chance.random() / 100)


async def weather(proxy: FaultProxy, server: ServerProcess, run: str, seed: int) -> None:
    """Pipe and read at once, two of each, while a third of all requests fail."""
    proxy.chaos(seed, share=0.3)
    batching = Batching(unsent_chunks=200, chunks=50)
    async with AsyncClient(proxy.url, server.secret, batching=batching, **PATIENT) as client:  # type: ignore[arg-type]
        keys = ["a", "b"]
        reading = [asyncio.create_task(read(client, run, key)) for key in keys for _ in range(2)]
        piped = []
        for number, key in enumerate(keys):
            source = Bounded(1000 * seed + number, 600)
            one = client.streams.pipe(key, source, target=run, close=True)
            source.producer = one._producer
            piped.append((source, one))
        for source, one in piped:
            assert await one.wait_until_complete() == 599
            assert source.most <= 201
        for found in await asyncio.gather(*reading):
            assert found == list(range(600))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def read(client: AsyncClient, run: str, key: str) -> list[int]:
    return [value async for value, _ in client.streams.read(run, key)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_pipes_and_readers_survive_bad_weather(
    proxy: FaultProxy, server: ServerProcess, run: str, seed: int
) -> None:
    await weather(proxy, server, run, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY_SEEDS)
async def test_pipes_and_readers_survive_all_kinds_of_weather(
    proxy: FaultProxy, server: ServerProcess, run: str, seed: int
) -> None:
    await weather(proxy, server, run, seed)


BROKEN = {
    "an answer that is lost": Fault(lose_answer=True),
    "a request that breaks off": Fault(request_bytes=2),
    "a request that never begins": Fault(request_bytes=0),
    "an answer that breaks off": Fault(response_bytes=5),
    "an answer that ends too early": Fault(response_bytes=5, then="close"),
    "429": Fault(status=429, retry_after=0),
    "500": Fault(status=500),
    "502": Fault(status=502),
    "503": Fault(status=503),
    "504": Fault(status=504),
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_an_append_is_there_once_whatever_became_of_the_first_tries(
    client: Client, proxy: FaultProxy, run: str, fault: Fault
) -> None:
    proxy.add(Rule(fault, method="POST", times=3))
    assert client.streams.append("a", target=run) == 0
    assert client.streams.append("b", target=run) == 1
    assert len(proxy.requests("POST")) == 5


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_batch_is_there_once_whatever_became_of_the_first_tries(
    client: Client, proxy: FaultProxy, run: str, fault: Fault
) -> None:
    proxy.add(Rule(fault, method="POST", times=3))
    assert client.streams.pipe(range(2000), target=run).wait_until_complete() == 1999
    assert list(client.streams.read(run, timeout=0)) == list(range(2000))


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_reader_gets_everything_once_whatever_breaks(
    client: Client, proxy: FaultProxy, run: str, fault: Fault
) -> None:
    client.streams.pipe(range(500), target=run).wait_until_complete()
    proxy.add(Rule(fault, method="GET", times=4))
    reader = client.streams.read(run)
    assert [next(reader) for _ in range(500)] == list(range(500))
    client.streams.append("live", target=run)
    assert next(reader) == "live"
    proxy.add(Rule(fault, method="GET", times=2))
    proxy.reset("GET")
    client.streams.append("again", target=run)
    client.streams.close(target=run)
    assert list(reader) == ["again"]


@pytest.mark.parametrize("then", ["reset", "stall"])
def test_a_program_that_slept_goes_on_though_its_connections_are_gone(
    server: ServerProcess, proxy: FaultProxy, run: str, then: Then
) -> None:
    """As on a laptop: it has not heard of the end of its connections, and asks on them first."""
    command = [sys.executable, "-m", "tests.sdk.sleeper", proxy.url, server.secret, run]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as program:
        assert program.stdin
        assert program.stdout
        print("a", file=program.stdin, flush=True)
        assert program.stdout.readline() == "a\n"
        program.send_signal(signal.SIGSTOP)
        assert proxy.forget(then) > 0
        program.send_signal(signal.SIGCONT)
        print("b", file=program.stdin, flush=True)
        assert program.stdout.readline() == "a b\n"
        program.stdin.close()
    assert any(seen.fault for seen in proxy.requests("POST"))


def start_of(seen: Seen) -> int:
    """Return the index that a read begins at."""
    if "last-event-id" in seen.headers:
        return int(seen.headers["last-event-id"]) + 1
    asked = re.search(r"start=(\d+)", seen.path)
    return int(asked[1]) if asked else 0


def test_a_live_reader_asks_for_what_it_has_not_read(
    client: Client, proxy: FaultProxy, run: str
) -> None:
    client.streams.append(0, target=run)
    reader = client.streams.read(run)
    for value in range(1, 4):
        assert next(reader) == value - 1
        proxy.reset("GET")
        client.streams.append(value, target=run)
    assert next(reader) == 3
    starts = [start_of(one) for one in proxy.requests("GET")]
    assert starts == sorted(starts)
    assert starts[-1] >= 3
    reader.close()


def is_polling(proxy: FaultProxy) -> bool:
    last = proxy.requests("GET")[-1].path
    return "wait=" in last and "wait=0.000" not in last


def test_where_events_do_not_come_through_it_polls(
    server: ServerProcess, proxy: FaultProxy, run: str
) -> None:
    """As behind a proxy that buffers: the answer's body never arrives."""
    proxy.add(
        Rule(Fault(response_bytes=0, then="stall"), method="GET", path=f"/{run}/k$", times=None)
    )
    timeouts = Timeouts(request=5, stall=0.2)
    with Client(proxy.url, server.secret, retries=QUICKLY, timeouts=timeouts) as client:
        client.streams.append("k", 0, target=run)
        reader = client.streams.read(run, "k")
        assert next(reader) == 0
        deadline = threading.Event()
        while (
            "wait=0.000" in proxy.requests("GET")[-1].path
            or "?" not in proxy.requests("GET")[-1].path
        ):
            assert not deadline.wait(0.02)
        client.streams.append("k", 1, target=run)
        assert next(reader) == 1
        reader.close()


def test_a_server_that_asks_for_time_gets_it(client: Client, proxy: FaultProxy, run: str) -> None:
    proxy.add(Rule(Fault(status=429, retry_after=1), method="POST"))
    started = time.monotonic()
    client.streams.append(1, target=run)
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422])
def test_what_is_refused_for_good_is_asked_once(
    client: Client, proxy: FaultProxy, run: str, status: int
) -> None:
    proxy.add(Rule(Fault(status=status), times=None))
    with pytest.raises(Unexpected) as caught:
        client.streams.pipe([1], target=run).wait_until_complete()
    assert caught.value.http_status == status
    with pytest.raises(Unexpected):
        next(client.streams.read(run))
    assert len(proxy.requests()) == 2


def test_a_server_that_is_not_there_is_given_up_in_the_end(run: str) -> None:
    impatient = Retries(attempts=3, first=0.001)
    with Client("http://127.0.0.1:9", "key", retries=impatient) as client:
        for work in (
            lambda: client.streams.append(1, target=run),
            lambda: client.streams.pipe([1], target=run).wait_until_complete(),
            lambda: next(client.streams.read(run)),
        ):
            with pytest.raises(Unreachable) as caught:
                work()
            assert caught.value.__cause__ is not None
