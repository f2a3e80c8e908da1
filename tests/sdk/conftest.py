"""One server for all tests of the SDK, and clients of it.

Tests that are marked `also_deployed` are run by `make test-deployed`, too: their server is then the
gateway of a deployment, with the functions behind it.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import pytest

from runstreams import Client
from runstreams.aio import AsyncClient
from tests.deployed.stack import Stack
from tests.serve.process import ServerProcess

SERVERS = [
    "process",
    pytest.param(
        "gateway",
        marks=[
            pytest.mark.deployed,
            pytest.mark.needs("sam", "ministack"),
            pytest.mark.timeout(400),  # the first one waits until it is deployed
        ],
    ),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("also_deployed"):
        metafunc.parametrize("server", SERVERS, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess | Stack]:
    if getattr(request, "param", "process") == "gateway":
        yield request.getfixturevalue("stack")
        return
    with ServerProcess(tmp_path_factory.mktemp("sdk") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: ServerProcess | Stack) -> Iterator[Client]:
    """A client whose end leaves no thread behind."""
    before = set(threading.enumerate())
    with Client(server.url, server.secret) as client:
        assert client._connection.engine.loop.is_running  # from now on, for whoever counts threads
        yield client
        wait_until_idle(client)
    assert set(threading.enumerate()) - before == set()


def wait_until_idle(client: Client | AsyncClient) -> None:
    """Wait until nothing goes on in the client's engine."""
    deadline = time.monotonic() + 10
    while (found := busy(client)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found == set()


def busy(client: Client | AsyncClient) -> set[str]:
    """Return what goes on in the client's engine: tasks, and connections that are in use."""

    async def look() -> set[str]:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        pool = client._connection.engine.transport._http._transport._pool  # type: ignore[attr-defined]
        used = [connection for connection in pool.connections if not connection.is_idle()]
        return {repr(one) for one in [*others, *used]}

    return client._connection.engine.submit(look()).result()


def fetching(token: str) -> Callable[[], Awaitable[str]]:
    """Return a coroutine function that returns *token*."""

    async def fetch() -> str:
        return token

    return fetch


@pytest.fixture
async def aclient(server: ServerProcess | Stack) -> AsyncIterator[AsyncClient]:
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
