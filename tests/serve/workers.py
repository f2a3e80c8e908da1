"""The processes behind a server, as its parent has them."""

import time
from pathlib import Path

from .process import START_SECONDS, ServerProcess


def workers_of(server: ServerProcess) -> list[int]:
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until_again(server: ServerProcess, count: int, *dead: int) -> None:
    """Return when others have taken the places of those *dead*, and there are *count* again."""
    deadline = time.monotonic() + START_SECONDS
    while len(found := workers_of(server)) < count or set(dead) & set(found):
        assert time.monotonic() < deadline
        time.sleep(0.02)
