"""What can be asked of a server, tried again until it succeeds or will not."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...core.errors import ChunkGap
from ...core.leasing import Claim
from ...core.model import (
    Closed,
    RunInfo,
    RunPage,
    RunStatus,
    Status,
    StreamId,
    StreamInfo,
    StreamPage,
)
from ..closing import sayable
from ..explaining import Doing
from ..records import Receipt, TakenOver
from ..run_leases import RunLeases
from ..tracing import going_on, sending
from ..transport import Transport
from .engine import Engine
from .writers import Writer, Writers, new_client

T = TypeVar("T")


class PatientCalls:
    """Coroutines for the engine; each raises what the server refuses with, or `Unanswered`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writers = Writers()

    async def append(self, stream: StreamId, line: bytes, leases: RunLeases | None = None) -> int:
        """Append one chunk once, however often that is tried; return its index. The stream's lease
        is left to *leases*.
        """
        lease = leases.to_promise(stream) if leases else None
        try:
            receipt = await self._append(stream, self._writers.take(stream), line, lease)
        except ChunkGap:  # the stream was deleted, or has expired: a new one knows no client
            receipt = await self._append(stream, Writer(new_client(), 0), line, lease)
        if leases is not None:
            leases.take(stream, receipt.fence)
        assert receipt.last_index is not None
        return receipt.last_index

    async def _append(
        self, stream: StreamId, writer: Writer, line: bytes, lease: int | None
    ) -> Receipt:
        with sending(stream, 1, len(line)):
            receipt = await self._do(
                "write", stream, lambda to: to.append(stream, *writer, line, lease)
            )
        self._writers.give_back(stream, writer)
        return receipt

    async def close(self, stream: StreamId, status: Status, error: str | None) -> Closed:
        """Close a stream."""
        reason = sayable(error)
        return await self._do("write", stream, lambda to: to.close(stream, status, reason))

    async def take_over(self, stream: StreamId, client: str, lease: int) -> TakenOver:
        """Take a stream over for *client*."""
        return await self._do("write", stream, lambda to: to.take_over(stream, client, lease))

    async def stop(self, stream: StreamId) -> None:
        """Ask the producers of a stream to stop."""
        await self._do("stop", stream, lambda to: to.stop(stream))

    async def describe(self, stream: StreamId) -> StreamInfo:
        """Return the state of a stream. Raises `NotThere`."""
        return await self._do("read", stream, lambda to: to.describe(stream))

    async def delete(self, stream: StreamId) -> bool:
        """Delete a stream; return whether there was one."""
        return await self._do("manage", stream, lambda to: to.delete(stream))

    async def streams(self, run: str) -> list[StreamInfo]:
        """Return all streams of a run, by key."""
        found, after = list[StreamInfo](), None
        while True:
            page = await self._streams(run, after)
            found += page.streams
            if (after := page.next) is None:
                return found

    async def _streams(self, run: str, after: str | None) -> StreamPage:
        return await self._do("read", (run,), lambda to: to.streams(run, after))

    async def runs(self, limit: int, status: RunStatus | None = None) -> list[RunInfo]:
        """Return up to *limit* runs, newest first; with *status* only those that are so."""
        found: list[RunInfo] = []
        after: str | None = None
        while len(found) < limit:
            page = await self._runs(limit - len(found), after, status)
            found += page.runs
            if (after := page.next) is None:
                break
        return found[:limit]

    async def _runs(self, limit: int, after: str | None, status: RunStatus | None) -> RunPage:
        return await self._do("read", (), lambda to: to.runs(limit, after, status))

    async def describe_run(self, run: str) -> RunInfo:
        """Return the state of a run. Raises `NotThere`."""
        return await self._do("read", (run,), lambda to: to.describe_run(run))

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        """Register a run and what is above it; with *claim*, who promises to be heard of."""
        return await self._do("manage", (run,), lambda to: to.register(run, parent, root, claim))

    async def complete(self, run: str, status: Status, error: str | None) -> RunInfo:
        """Complete a run: its open streams close, with the same *status* and *error*."""
        reason = sayable(error)
        return await self._do("manage", (run,), lambda to: to.complete(run, status, reason))

    async def delete_run(self, run: str) -> int:
        """Delete a run with its streams; return how many there were."""
        return await self._do("manage", (run,), lambda to: to.delete_run(run))

    async def _do(
        self, action: str, place: tuple[str, ...], attempt: Callable[[Transport], Awaitable[T]]
    ) -> T:
        with going_on():
            return await self._engine.persist(attempt, self._engine.patience(Doing(action, *place)))
