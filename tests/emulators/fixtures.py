"""The emulators as fixtures.

Two, since one emulator is not a judge: each has its own mistakes. What a service decides is tested
with both, with the slower one by `make soak`; what our side of the wire does with the quicker one.
"""

from collections.abc import Iterator

import pytest

from tests.emulators.locked_moto import locked_moto
from tests.emulators.ministack import command, ministack
from tests.emulators.place import Place, fresh_place

EMULATORS = {"moto": locked_moto, "ministack": ministack}

PARAMETERS = [
    pytest.param("moto", marks=pytest.mark.soak),
    pytest.param("ministack", marks=pytest.mark.needs("ministack")),
]


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The URL of moto behind one lock."""
    with EMULATORS["moto"]() as url:
        yield url


@pytest.fixture(scope="session")
def ministack_endpoint() -> Iterator[str]:
    """The URL of MiniStack."""
    with EMULATORS["ministack"]() as url:
        yield url


@pytest.fixture(scope="session", params=PARAMETERS)
def aws_endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an emulator; a test that asks for it runs once with each."""
    with EMULATORS[request.param]() as url:
        yield url


@pytest.fixture
def aws_place(aws_endpoint: str) -> Place:
    """A bucket and a table for one test."""
    return fresh_place(aws_endpoint)


@pytest.fixture(scope="session")
def quick_aws_endpoint() -> Iterator[str]:
    """The URL of MiniStack, or of moto where there is none."""
    with (ministack if command() else locked_moto)() as url:
        yield url


@pytest.fixture
def quick_aws_place(quick_aws_endpoint: str) -> Place:
    """A bucket and a table for one test that would gain nothing from a second emulator."""
    return fresh_place(quick_aws_endpoint)


@pytest.fixture(scope="session")
def shared_aws_place(quick_aws_endpoint: str) -> Place:
    """A bucket and a table for many tests, each with a stream of its own."""
    return fresh_place(quick_aws_endpoint)
