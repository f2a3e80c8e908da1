"""What this process has appended and looked at last, for the readers whom a commit wakes.

All readers of a stream wake together. Each of them looks at the same head, which costs 20 µs where
asking whether anything was committed costs 3, and asks for the same batches.
"""

from collections.abc import Sequence

from ...core.model import Head, Pointer, StoredBatch, StreamId
from ...core.ports import Staged
from .queries import Queries, Query
from .schema import data_version

MOST_BYTES = 1024 * 1024
"""Memory that recent batches may take: what a hundred busy streams append between two wake-ups."""

LARGE_BYTES = 64 * 1024
"""A batch of more bytes is not kept, as reading it costs little beside sending it."""

_LOOKS_KEPT = 32
"""A look may hold thousands of pointers, and readers who wait together want the same one."""


class RecentBatches:
    """A few batches by the name of their object; what a name stands for never changes."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredBatch] = {}
        self._bytes = 0

    def keep(self, staged: Staged) -> None:
        """Remember a batch that is about to be committed."""
        batch = staged.batch
        if len(batch.lines) > LARGE_BYTES:
            return
        self._kept[staged.object] = StoredBatch(batch.lines, batch.client, batch.number)
        self._bytes += len(batch.lines)
        while self._bytes > MOST_BYTES:
            self.drop(next(iter(self._kept)))

    def find(self, pointers: Sequence[Pointer]) -> list[StoredBatch] | None:
        """Return the batches of *pointers* if all are here."""
        try:
            return [self._kept[pointer.object] for pointer in pointers]
        except KeyError:
            return None

    def drop(self, object: str) -> None:
        """Forget a batch that is to be deleted."""
        batch = self._kept.pop(object, None)
        if batch is not None:
            self._bytes -= len(batch.lines)


class RecentHeads:
    """The latest looks at heads, remembered until anybody commits anything."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._version = 0
        self._kept: dict[tuple[StreamId, int], Head | None] = {}

    def find(self, stream: StreamId, since: int, look: Query[Head | None]) -> Head | None:
        """Return what *look* finds of *stream*, with pointers from *since* on."""
        version = self._queries.here(data_version)
        if version != self._version or len(self._kept) == _LOOKS_KEPT:
            self._version, self._kept = version, {}
        name = (stream, since)
        if name not in self._kept:
            # Looked at after the version, this may be newer than it, and never older.
            self._kept[name] = self._queries.here(look)
        return self._kept[name]
