"""One server for all commands, and a client to see what they did."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from runstreams import Client
from runstreams.testing import Server


@pytest.fixture(scope="session")
def environ(runstreams_server: Server) -> dict[str, str]:
    return runstreams_server.environ()


@pytest.fixture(scope="session")
def client(runstreams_server: Server) -> Iterator[Client]:
    with runstreams_server.client() as client:
        yield client


@pytest.fixture
def run_id() -> str:
    """A run of this test's own."""
    return f"run_{uuid4().hex}"
