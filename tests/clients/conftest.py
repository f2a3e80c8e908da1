"""Servers that the published clients are pointed at."""

from collections.abc import Iterator

import pytest

from tests.clients.lab import HERE, Lab
from tests.conftest import MISSING, give_up


@pytest.fixture(scope="module")
def packages() -> None:
    """The clients themselves."""
    installed = HERE / "node_modules" / ".installed"
    if (
        not installed.exists()
        or installed.read_bytes() != (HERE / "package-lock.json").read_bytes()
    ):
        give_up(f"tests/clients/package-lock.json {MISSING}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("clients") / "data") as lab:
        yield lab
