"""One server for all tests of the SDK, and clients of it."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
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
    assert set(threading.enumerate()) - before == set()


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


@pytest.fixture(autouse=True)
def nothing_is_complained_about(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """What is only noticed when it is freed, is noticed in the test that did it."""
    yield
    gc.collect(0)


@pytest.fixture
def numbers() -> Callable[[], int]:
    """Counts up from 0."""
    return count().__next__
