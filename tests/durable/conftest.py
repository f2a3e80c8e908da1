"""What the conformance tests and the official clients need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MISSING, give_up
from tests.serve.process import ServerProcess

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def packages() -> None:
    """The suite and the clients themselves."""
    installed, lock = HERE / "node_modules" / ".installed", HERE / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        give_up(f"tests/durable/package-lock.json {MISSING}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server on a disk that asks for no key."""
    with ServerProcess(tmp_path / "data", "--anonymous") as server:
        yield server
