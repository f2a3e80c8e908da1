"""The pytest plugin: fixtures for the tests of programs that use streams.

pytest loads it wherever runstreams is installed, so nothing is imported before a fixture is used.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .sdk.clients import Client
    from .testing import Server


@pytest.fixture
def runstreams_client() -> "Iterator[Client]":
    """The default client, with streams in memory that are this test's own."""
    from .testing import in_memory

    with in_memory() as client:
        yield client


@pytest.fixture(scope="session")
def runstreams_server() -> "Iterator[Server]":
    """A real server on a free port, the same one for all tests; it needs `runstreams[server]`."""
    from .testing import serving

    with serving() as server:
        yield server
