"""A log on AWS whose requests are watched, for the tests of requests and of faults."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Appended, Batch, StoredChunk, StreamId
from runstreams.stores.aws import AwsStore
from runstreams.wiring import new_id, now
from tests.emulators.place import Place
from tests.emulators.wire_tap import WireTap


class Watched:
    """A stream of its own, the log and the store below it, and the tap on their wire."""

    def __init__(
        self,
        place: Place,
        plan: SealingPlan | None,
        time_left: Callable[[], int],
        inline_bytes: int,
    ) -> None:
        clients = place.clients()
        self.later = 0
        """Milliseconds that have passed beside the real ones."""
        self.stream = StreamId(uuid4().hex, "key")
        self.tap = WireTap(*clients)
        self.store = AwsStore(*clients, place.bucket, place.table, new_id=new_id, plan=plan)
        self.log = Log(
            self.store,
            limits=Limits(inline_bytes=inline_bytes),
            clock=self.now,
            new_id=new_id,
            background=False,
            time_left=time_left,
        )

    def now(self) -> int:
        """Return the time of this log."""
        return now() + self.later

    async def append(
        self,
        data: bytes = b"1",
        client: str | None = None,
        number: int = 0,
        once: str | None = None,
        lease_ms: int = 0,
    ) -> Appended:
        """Append one chunk."""
        batch = Batch(data + b"\n", 1, self.now(), client, number, once, lease_ms)
        return await self.log.append(self.stream, batch)

    def requests(self) -> list[str]:
        """Return what was sent since the last look, and forget it."""
        sent, self.tap.requests[:] = self.tap.requests[:], []
        return sent

    async def everything(self) -> list[StoredChunk]:
        """Return all chunks, as one reader who takes page after page."""
        head = await self.log.head(self.stream)
        assert head is not None
        cursor, chunks = self.log.cursor(self.stream), list[StoredChunk]()
        while len(chunks) < head.tail:
            chunks += (await cursor.page(head, len(chunks))).chunks
        return chunks


@asynccontextmanager
async def watched(
    place: Place,
    plan: SealingPlan | None = None,
    seals: bool = False,
    inline_bytes: int = 0,
) -> AsyncIterator[Watched]:
    """Yield a watched log at *place*; unless it *seals*, it never has the time to, and unless it
    has *inline_bytes*, each batch is an object.
    """
    found = Watched(place, plan, lambda: 60_000 if seals else 0, inline_bytes)
    yield found
    await found.log.aclose()
