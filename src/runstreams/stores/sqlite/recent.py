"""The batches that this process has appended last, for the readers whom it wakes with them."""

from collections.abc import Sequence

from ...core.model import Pointer
from ...core.ports import Staged, StoredBatch

MOST_BYTES = 1024 * 1024
"""Memory that they may take: what a hundred busy streams append between two wake-ups."""

LARGE_BYTES = 64 * 1024
"""A batch of more bytes is not kept, as reading it costs little beside sending it."""


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
        kept = self._kept
        if all(pointer.object in kept for pointer in pointers):
            return [kept[pointer.object] for pointer in pointers]
        return None

    def drop(self, object: str) -> None:
        """Forget a batch that is to be deleted."""
        batch = self._kept.pop(object, None)
        if batch is not None:
            self._bytes -= len(batch.lines)
