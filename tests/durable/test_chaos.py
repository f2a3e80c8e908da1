"""The official client and what stands on it read while connections are cut and the server is
killed: they have everything once, in its order.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import Literal, Self

import httpx
import pytest
from durable_streams import DurableStreamError, stream

from runstreams import Client
from tests.durable.conftest import HERE
from tests.faults.proxy import FaultProxy
from tests.serve.process import ServerProcess
from tests.tools import find

pytestmark = [pytest.mark.soak, pytest.mark.timeout(180)]

COUNT = 400
KILLS = 3
COMMAND = ["node_modules/vitest/vitest.mjs", "run", "--testTimeout=120000"]

Source = Iterator[object]


def values() -> Source:
    yield from range(COUNT)


def changes() -> Source:
    """Rows that come, one of which tells each time which is the newest."""
    for at in range(COUNT):
        last = {"txid": "last"} if at == COUNT - 1 else {}
        yield _change("insert", str(at), at, {})
        yield _change("upsert", "newest", at, last)


def _change(operation: str, key: str, at: int, headers: dict[str, str]) -> object:
    value = {"id": key, "at": at}
    told = {"operation": operation, **headers}
    return {"type": "row", "key": key, "value": value, "headers": told}


def deltas() -> Source:
    message = {"messageId": "answer"}
    yield {"type": "TEXT_MESSAGE_START", "role": "assistant", **message}
    for at in range(COUNT):
        yield {"type": "TEXT_MESSAGE_CONTENT", "delta": f"{at} ", **message}
    yield {"type": "TEXT_MESSAGE_END", **message}


def slowly(source: Source) -> Source:
    for chunk in source:
        yield chunk
        time.sleep(0.02)


class Trouble:
    """A server that is killed, behind a network that fails, while a source is piped into it."""

    def __init__(self, data: Path, seed: int) -> None:
        self._data, self._random = data, random.Random(seed)
        self._ended = ExitStack()
        self._failing = self._ended.enter_context(FaultProxy(0))
        self._way = self._ended.enter_context(FaultProxy(0))
        self._server = self._serve()
        self._failing.chaos(seed, share=0.2)
        self.url, self.secret = self._failing.url, self._server.secret

    def _serve(self) -> ServerProcess:
        server = self._ended.enter_context(ServerProcess(self._data))
        self._failing.go_to(server.port)
        self._way.go_to(server.port)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    @contextmanager
    def piping(self, source: Source) -> Iterator[None]:
        """Pipe *source* beside the block, on a network that does not fail.

        It leaves the stream open. Of a closed one whose rest is one answer, the client of npm calls
        itself closed before it hands that over, and who goes by that never gets it.
        """
        with Client(self._way.url, self.secret) as client:
            piped = client.streams.pipe("values", slowly(source), target="run_1", close=False)
            next(iter(piped.stream))  # so that there is something to read
            yield
            piped.wait_until_complete()

    def kill_some(self) -> None:
        self._wait_for_readers()
        for _ in range(KILLS):
            time.sleep(self._random.uniform(1, 2))
            self._server.kill()
            self._server = self._serve()

    def _wait_for_readers(self) -> None:
        """Return when one has asked: no kill is spent on a time when none reads.

        A reader's process would not survive it, either. While the first `fetch` of a process loads
        its parser, Node 20 hears no reset, and waits for that answer for ever.
        """
        while not self._failing.requests():
            time.sleep(0.02)


@pytest.mark.needs("node")
@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("script", "source"),
    [
        ("chaos.test.ts", values),
        ("chaos-of-tables.test.ts", changes),
        ("chaos-of-chats.test.ts", deltas),
    ],
)
def test_its_live_readers_have_everything_once_and_in_order(
    tmp_path: Path, script: str, source: Callable[[], Source], seed: int
) -> None:
    with Trouble(tmp_path / "data", seed) as trouble, trouble.piping(source()):
        environ = {"SERVED": trouble.url, "SECRET": trouble.secret, "COUNT": str(COUNT)}
        with Popen(
            [str(find("node")), *COMMAND, script],
            cwd=HERE,
            env=os.environ | environ,
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
        ) as readers:
            trouble.kill_some()
            said, _ = readers.communicate(timeout=150)
    assert readers.returncode == 0, said


@pytest.mark.parametrize("live", ["long-poll", "sse"])
@pytest.mark.parametrize("seed", range(2))
def test_so_has_that_of_pypi(tmp_path: Path, live: Literal["long-poll", "sse"], seed: int) -> None:
    with (
        Trouble(tmp_path / "data", seed) as trouble,
        trouble.piping(values()),
        ThreadPoolExecutor(1) as beside,
    ):
        reading = beside.submit(read_all, trouble, live)
        trouble.kill_some()
        assert reading.result(150) == [*range(COUNT)]


def read_all(trouble: Trouble, live: Literal["long-poll", "sse"]) -> list[object]:
    """Return what its client reads until the end, asked again from where it was when it fails."""
    url, headers = f"{trouble.url}/v1/stream/run_1/values", authorized(trouble.secret)
    got, offset = list[object](), "-1"
    while len(got) < COUNT:
        with (
            suppress(DurableStreamError, httpx.HTTPError),
            stream(url, offset=offset, live=live, headers=headers) as read,
        ):
            for event in read.iter_events("json_batches"):
                got += event.data
                offset = event.next_offset
                if len(got) >= COUNT:
                    break  # it polls on at the end of a stream
    return got


def authorized(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}
