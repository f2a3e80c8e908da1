"""A writer that is killed at a chosen call of its store.

    python -m tests.soak.killed_writer STORE PLACE KILL_AT

STORE is `sqlite`, or else AWS with its batches in the head, `inline`, or as `objects`. It writes a
stream of its own, named by KILL_AT, and prints what is acknowledged. At the KILL_AT-th moment
before or after a call of the store the process sends itself SIGKILL.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, StreamId
from runstreams.core.ports import Store
from runstreams.stores.sqlite import SqliteStore
from runstreams.wiring import new_id, open_log
from tests.emulators.place import Place

CLIENT = "writer"
LAST = 9
"""The writer's last chunk: enough to seal, to merge and to move clients out of the head."""

PLAN = SealingPlan(every=3, batches=4, fan_in=2, clients=2, clients_slack=1)


class Moments:
    """Counts the moments before and after calls, and kills at one of them."""

    def __init__(self, kill_at: int) -> None:
        self._left = kill_at

    def passed(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


class Fragile:
    """Part of a store whose every call has a moment before and one after it."""

    def __init__(self, part: Any, moments: Moments) -> None:
        self._part = part
        self._moments = moments

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._part, name)

        async def fragile(*args: Any, **kwargs: Any) -> Any:
            self._moments.passed()
            answer = await call(*args, **kwargs)
            self._moments.passed()
            return answer

        return fragile


class FragileStore:
    """A store that may be killed at each step."""

    def __init__(self, store: Store, moments: Moments) -> None:
        self.plan, self.mark = store.plan, store.mark
        self.window, self.changes = store.window, store.changes
        self.heads: Any = Fragile(store.heads, moments)
        self.runs: Any = Fragile(store.runs, moments)
        self.batches: Any = Fragile(store.batches, moments)
        self.segments: Any = Fragile(store.segments, moments)
        self.aclose = store.aclose


def opened(kind: str, place: str) -> Store:
    """Return the store at *place*: a folder, or an endpoint, a bucket and a table."""
    if kind == "sqlite":
        return SqliteStore(Path(place), new_id=new_id, plan=PLAN)
    return Place(*place.split(",")).store(PLAN)


def log_of(kind: str, store: Store) -> Log:
    """Return a log on *store* that seals inside its appends."""
    limits = Limits(inline_bytes=0) if kind == "objects" else Limits()
    return open_log(store, limits=limits, background=False)


def stream_of(kill_at: int) -> StreamId:
    """Return the stream of the writer that is killed at moment *kill_at*."""
    return StreamId("run", f"killed at {kill_at}")


async def write(log: Log, stream: StreamId) -> None:
    """Append what is not there yet, two chunks at a time, and close the stream."""
    number = await log.last_number(stream, CLIENT) + 1
    while number <= LAST:
        # A guest with a chunk of its own, so that clients move out of the head as well.
        guest = Batch(b'"guest"\n', 1, log.clock(), f"guest-{number}", 0)
        await log.append(stream, guest)
        lines = b"%d\n%d\n" % (number, number + 1)
        await log.append(stream, Batch(lines, 2, log.clock(), CLIENT, number))
        number += 2
        print(number - 1, flush=True)
    await log.close(stream, Closed("completed"))


async def main(kind: str, place: str, kill_at: int) -> None:
    store = opened(kind, place)
    log = log_of(kind, FragileStore(store, Moments(kill_at)))
    await write(log, stream_of(kill_at))
    await log.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
