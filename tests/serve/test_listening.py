"""The queue of those who connect while the server is busy with others."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.http.serving import Connection

from .process import COMMAND, SHELL, ServerProcess

COMERS = 100


@pytest.mark.parametrize("command", [COMMAND, SHELL], ids=["many files", "few files"])
def test_who_comes_while_nobody_is_taken_waits_in_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Readers come back all at once after a restart."""
    with ServerProcess(tmp_path / "data", command=command) as server, ExitStack() as stack:
        server.process.send_signal(signal.SIGSTOP)
        try:
            comers = [stack.enter_context(Connection(server.port)) for _ in range(COMERS)]
        finally:
            server.process.send_signal(signal.SIGCONT)
        for comer in comers:
            comer.request("GET", "/health")
        assert [comer.answer()[0] for comer in comers] == [200] * COMERS
