"""Which batches lie in their pointers, and so in the head, instead of in the bucket.

A head says when it is opened whether batches may lie there. One that may not stays so to its end,
as versions that do not know of it may be at work on it.
"""

from collections import OrderedDict

from ...core.limits import Limits, SealingPlan
from ...core.model import Batch, Head, StreamId
from ...core.unsealed import is_light, is_small

STREAMS = 1024
"""Streams that take no batch into their heads now, which a process remembers to spare each append
there an update that fails.
"""


class Inlining:
    """Knows of which streams the heads take no batch."""

    def __init__(self, plan: SealingPlan) -> None:
        self._plan = plan
        self._full: OrderedDict[StreamId, None] = OrderedDict()

    def suits(self, stream: StreamId, batch: Batch, limits: Limits) -> bool:
        """Say whether *batch* is to lie in its pointer, as far as one knows before its commit."""
        small = is_small(batch, limits, self._plan)
        return small and stream not in self._full and _is_text(batch.lines)

    def learn(self, stream: StreamId, head: Head) -> None:
        """Remember whether *head*, as it was just seen, takes one more batch."""
        if is_light(head, self._plan):
            self._full.pop(stream, None)
        else:
            self.refuse(stream)

    def refuse(self, stream: StreamId) -> None:
        """Let the next batch of *stream* be an object."""
        self._full[stream] = None
        self._full.move_to_end(stream)
        if len(self._full) > STREAMS:
            self._full.popitem(last=False)


def _is_text(lines: bytes) -> bool:
    """Say whether a string of DynamoDB can hold *lines*."""
    try:
        lines.decode()
    except UnicodeDecodeError:
        return False
    return True
