"""One server for all tests of the SDK, and clients of it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from runstreams import Client
from runstreams.aio import AsyncClient
from tests.serve.process import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("sdk") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    """A client whose end leaves no thread behind."""
    before = set(threading.enumerate())
    with Client(server.url, server.secret) as client:
        yield client
        wait_until_idle(client)
    assert set(threading.enumerate()) - before == set()


def wait_until_idle(client: Client) -> None:
    """Wait until nothing goes on in the client's engine."""
    deadline = time.monotonic() + 10
    while (found := busy(client)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found == set()


def busy(client: Client) -> set[str]:
    """Return what goes on in the client's engine: tasks, and connections that are in use."""

    async def look() -> set[str]:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        pool = client._connection.engine.transport._http._transport._pool  # type: ignore[attr-defined]
        used = [connection for connection in pool.connections if not connection.is_idle()]
        return {repr(one) for one in [*others, *used]}

    return client._connection.engine.call(look())


@pytest.fixture
async def aclient(server: ServerProcess) -> AsyncIterator[AsyncClient]:
    """An async client whose end leaves no task and no thread behind."""
    threads = set(threading.enumerate())
    async with AsyncClient(server.url, server.secret) as client:
        yield client
    assert asyncio.all_tasks() == {asyncio.current_task()}
    # Closing was waited for in a thread of the loop's own pool.
    left = set(threading.enumerate()) - threads
    assert {thread.name for thread in left if "asyncio" not in thread.name} == set()


@pytest.fixture
def run() -> str:
    """A run that nobody has used."""
    return f"run_{uuid4().hex}"
