"""The official client and what stands on it read while connections are cut and the server is
killed: they have everything once, in its order.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

from runstreams import Client
from tests.durable.conftest import HERE
from tests.faults.proxy import FaultProxy
from tests.serve.process import ServerProcess
from tests.tools import find

pytestmark = [
    pytest.mark.soak,
    pytest.mark.needs("node"),
    pytest.mark.usefixtures("packages"),
    pytest.mark.timeout(180),
]

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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("script", "source"),
    [
        ("chaos.test.ts", values),
        ("chaos-state.test.ts", changes),
        ("chaos-tanstack.test.ts", deltas),
    ],
)
def test_its_live_readers_have_everything_once_and_in_order(
    tmp_path: Path, script: str, source: Callable[[], Source], seed: int
) -> None:
    with ExitStack() as servers, FaultProxy(0) as failing, FaultProxy(0) as way:

        def serve() -> ServerProcess:
            server = servers.enter_context(ServerProcess(tmp_path / "data"))
            failing.go_to(server.port)
            way.go_to(server.port)
            return server

        server = serve()
        failing.chaos(seed, share=0.2)
        environ = {"SERVED": failing.url, "SECRET": server.secret, "COUNT": str(COUNT)}
        with Client(way.url, server.secret) as client:
            piped = client.streams.pipe("values", slowly(source()), target="run_1", close=True)
            next(iter(piped.stream))  # so that there is something to read
            with Popen(
                [str(find("node")), *COMMAND, script],
                cwd=HERE,
                env=os.environ | environ,
                stdout=PIPE,
                stderr=STDOUT,
                text=True,
            ) as readers:
                for _ in range(KILLS):
                    time.sleep(random.Random(seed).uniform(1, 2))
                    server.kill()
                    server = serve()
                said, _ = readers.communicate(timeout=150)
            piped.wait_until_complete()
    assert readers.returncode == 0, said
