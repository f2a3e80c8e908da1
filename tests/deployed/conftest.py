"""One deployment for all tests here: building and deploying takes half a minute."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import MISSING, give_up
from tests.deployed.client import HttpClient
from tests.deployed.stack import Stack, deployed, missing
from tests.emulators.process import free_port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if what := missing():
        give_up(f"{what} {MISSING}")
    with deployed(tmp_path_factory.mktemp("built"), free_port()) as found:
        yield found


@pytest.fixture(scope="session")
def client(stack: Stack) -> HttpClient:
    """The client that the scenarios use, with the secret key."""
    return HttpClient(stack.url, stack.secret)


@pytest.fixture
def run() -> str:
    return f"run_{uuid4().hex}"
