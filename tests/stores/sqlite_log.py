"""A log on SQLite whose clock is set by hand, for the tests of that store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Appended, Batch, StoredChunk, StreamId
from runstreams.stores.sqlite import SqliteStore
from runstreams.stores.sqlite.store import PLAN

STREAM = StreamId("run", "key")


class SqliteLog:
    """A log, the store below it, and the time."""

    def __init__(self, folder: Path, limits: Limits, plan: SealingPlan, power_safe: bool) -> None:
        self.now = 1_700_000_000_000
        self.limits = limits
        self.store = SqliteStore(folder, new_id=new_id, power_safe=power_safe, plan=plan)
        self.log = Log(
            self.store, limits=limits, clock=lambda: self.now, new_id=new_id, background=False
        )

    async def append(
        self,
        data: bytes = b"1",
        client: str | None = None,
        number: int = 0,
        *,
        count: int = 1,
        once: str | None = None,
        stream: StreamId = STREAM,
    ) -> Appended:
        """Append *count* chunks, all *data*."""
        batch = Batch((data + b"\n") * count, count, self.now, client, number, once)
        return await self.log.append(stream, batch)

    async def everything(self, stream: StreamId = STREAM) -> list[StoredChunk]:
        """Return all chunks of a stream, as one reader who takes page after page."""
        chunks: list[StoredChunk] = []
        while head := await self.log.head(stream, since=len(chunks)):
            page = await self.log.cursor(stream).page(head, len(chunks))
            if not page.chunks:
                break
            chunks += page.chunks
        return chunks


def new_id() -> str:
    """Return a name that nobody has seen before."""
    return uuid4().hex


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    limits: Limits | None = None,
    plan: SealingPlan = PLAN,
    power_safe: bool = False,
) -> AsyncIterator[SqliteLog]:
    """Open a log on the database in *folder*."""
    log = SqliteLog(folder, limits or Limits(), plan, power_safe)
    try:
        yield log
    finally:
        await log.log.aclose()
