"""One deployment for all tests that need one: building and deploying takes half a minute."""

from collections.abc import Iterator

import pytest

from tests.conftest import MISSING, give_up
from tests.deployed.stack import Stack, deployed, missing
from tests.emulators.process import free_port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The template, deployed."""
    if what := missing():
        give_up(f"{what} {MISSING}")
    with deployed(tmp_path_factory.mktemp("built"), free_port()) as found:
        yield found
