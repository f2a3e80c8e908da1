"""Processes that stood still while their connections to AWS were closed: as Lambda leaves its
functions, and a laptop everything.

They are real ones, and so are the sockets: a proxy before the emulator forgets the connections
while the process is stopped, and whatever is asked on one of them is lost.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from runstreams.aws_lambda.keys import FRESH_MS, RotatingKeys
from runstreams.core.access import SECRET_KEY
from runstreams.stores.aws import connections
from runstreams.stores.aws.connections import TRUSTED_SECONDS
from tests.emulators.place import Place, session
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Then
from tests.functions.handlers import ENVIRONMENT, event
from tests.functions.runtime import RuntimeApi, function_process
from tests.serve.process import ServerProcess
from tests.stores.aws_log import watched
from tests.tools import ROOT

PATH = "/realtime/v1/streams/run/self/key"
ANONYMOUS = {"Content-Type": "application/x-ndjson"}
"""Nobody could recognise a resend of this: what is lost is uncertain."""

KEY = ENVIRONMENT["RUNSTREAMS_SECRET_KEY"]


class Process(NamedTuple):
    """A process that uses the store."""

    pid: int
    work: Callable[[], int]
    """Append a chunk and return its index, or do what else it is there for."""


@contextmanager
def server(place: Place, folder: Path) -> Iterator[Process]:
    """`runstreams serve --aws`, asked by somebody without a client id."""
    with ServerProcess(folder / "data", "--aws", environ=place.environment()) as it:

        def append() -> int:
            answer = it.http.post(PATH, content=b'"a"\n', headers=ANONYMOUS)
            assert answer.status_code == 200, answer.text
            return int(answer.headers["x-last-index"])

        yield Process(it.process.pid, append)


@contextmanager
def reader(place: Place, folder: Path) -> Iterator[Process]:
    """The same server, whose reader gets what has been appended."""
    with ServerProcess(folder / "data", "--aws", environ=place.environment()) as it:
        it.http.post(PATH, content=b'"a"\n', headers=ANONYMOUS)

        def read() -> int:
            page = it.http.get("/realtime/v1/streams/run/key?wait=0").json()
            return int(page["chunks"][0]["index"])

        yield Process(it.process.pid, read)


@contextmanager
def function(place: Place, folder: Path) -> Iterator[Process]:
    """The function that appends, under Lambda's own runtime client."""
    environment = {**place.environment(), "RUNSTREAMS_SECRET_KEY": KEY}
    run = f"run_{uuid4().hex}"
    with (
        RuntimeApi().serving() as api,
        function_process("append", api, environment, folder / "log") as it,
    ):

        def append() -> int:
            asked = event("write", run=run, body='"a"\n')
            for name in ("x-client-id", "x-resume-from-chunk"):
                asked["headers"].pop(name, None)
            answer = api.invoke(asked)
            assert answer["statusCode"] == 200, answer["body"]
            return int(answer["headers"]["x-last-index"])

        yield Process(it.pid, append)


@contextmanager
def writer(place: Place, folder: Path) -> Iterator[Process]:
    """A program without a server in between."""
    command = [sys.executable, "-m", "tests.stores.direct_writer", place.bucket, place.table]
    env = {**os.environ, **place.environment(), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, text=True) as it:
        assert it.stdin
        assert it.stdout

        def append() -> int:
            print("a", file=it.stdin, flush=True)
            return int(it.stdout.readline())  # type: ignore[union-attr]

        yield Process(it.pid, append)


@pytest.fixture
def proxy(quick_aws_endpoint: str) -> Iterator[FaultProxy]:
    with FaultProxy(int(quick_aws_endpoint.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def place(quick_aws_place: Place, proxy: FaultProxy) -> Place:
    """A bucket and a table behind the proxy."""
    return replace(quick_aws_place, endpoint=proxy.url)


def stand_still(process: int, proxy: FaultProxy, then: Then) -> None:
    """Stop *process*, longer than connections are trusted, and forget its connections meanwhile."""
    os.kill(process, signal.SIGSTOP)
    assert proxy.forget(then) > 0
    time.sleep(TRUSTED_SECONDS)
    os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize(
    ("kind", "indexes", "then"),
    [
        (server, [0, 1], "reset"),
        (function, [0, 1], "reset"),
        (function, [0, 1], "stall"),
        (writer, [0, 1], "reset"),
        (reader, [0, 0], "reset"),
    ],
)
def test_whoever_stood_still_asks_nothing_on_a_connection_from_before(
    kind: Callable[[Place, Path], AbstractContextManager[Process]],
    indexes: list[int],
    then: Then,
    place: Place,
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    """So no append is uncertain that never arrived."""
    with kind(place, tmp_path) as process:
        before = process.work()
        stand_still(process.pid, proxy, then)
        assert [before, process.work()] == indexes
    assert [seen for seen in proxy.requests() if seen.fault] == []


def test_the_secret_key_is_read_again_on_a_new_connection(
    place: Place, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "TRUSTED_SECONDS", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", place.endpoint)
    secrets = session().create_client("secretsmanager", endpoint_url=place.endpoint)
    name = secrets.create_secret(Name=uuid4().hex, SecretString="the-first-of-the-keys")["ARN"]
    keys = RotatingKeys(session(), name)
    assert keys.grant(b"Bearer the-first-of-the-keys", now=0) == SECRET_KEY
    secrets.put_secret_value(SecretId=name, SecretString="the-second-of-the-keys")
    assert proxy.forget() > 0
    assert keys.grant(b"Bearer the-second-of-the-keys", FRESH_MS) == SECRET_KEY
    assert [seen for seen in proxy.requests() if seen.fault] == []


async def test_a_pause_ends_no_request_that_is_under_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here every moment is a pause, and thirty requests at once meet those who close."""
    monkeypatch.setattr(connections, "TRUSTED_SECONDS", -1)
    async with watched(place) as it:
        await it.log.create(it.stream)
        await asyncio.gather(*(it.append(client=f"c{number}") for number in range(30)))
        assert len(await it.everything()) == 30
