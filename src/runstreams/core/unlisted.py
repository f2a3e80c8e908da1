"""Segments whose names follow from two looks at a head, so that nobody has to list them.

A segment begins where the sealed index was before it and ends where it is now, and the head has the
time of its last chunk. So a reader whose batch was sealed between two of its looks asks for that
segment at once, where listing costs as much as twelve such questions. It is a guess: two seals may
have come between the looks, or a merge. Then nothing has that name, and the reader lists.
"""

from collections import OrderedDict
from typing import NamedTuple

from .model import Head, SegmentName, StreamId

_KEPT = 1024
"""Streams of which a process remembers what it saw last."""


class _Seen(NamedTuple):
    """How far a stream was sealed at the latest look, and what was sealed by then."""

    generation: str
    sealed: int
    segment: SegmentName | None


class Unlisted:
    """Knows the newest segments of the streams whose heads were looked at."""

    def __init__(self) -> None:
        self._seen: OrderedDict[StreamId, _Seen] = OrderedDict()

    def see(self, stream: StreamId, head: Head) -> None:
        """Take in the next look at a head; one that is older than the last says nothing."""
        last = self._seen.get(stream)
        if last is None or last.generation != head.generation:
            self._seen[stream] = _Seen(head.generation, head.sealed, None)
        elif head.sealed > last.sealed:
            name = SegmentName(head.generation, head.sealed - 1, last.sealed, head.sealed_time)
            self._seen[stream] = _Seen(head.generation, head.sealed, name)
        self._seen.move_to_end(stream)
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)

    def holding(self, stream: StreamId, generation: str, index: int) -> SegmentName | None:
        """Return the name of a segment that may hold chunk *index*."""
        seen = self._seen.get(stream)
        if seen is None or seen.generation != generation or seen.segment is None:
            return None
        return seen.segment if seen.segment.first <= index <= seen.segment.last else None

    def refuse(self, stream: StreamId, name: SegmentName) -> None:
        """Take in that there is no segment of that *name*."""
        seen = self._seen.get(stream)
        if seen is not None and seen.segment == name:
            self._seen[stream] = seen._replace(segment=None)
