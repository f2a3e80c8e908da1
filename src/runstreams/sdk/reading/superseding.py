"""Which chunks of a stream a reader is given where some no longer count.

Superseded ones are left out. Those that were given before that was known are taken back, which the
reader is told before it is given any that follow.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from ...core.model import Span
from ...core.position import Position, generation_of_id
from ...core.superseding import is_superseded
from ..records import Chunk, ChunkPage, Rollback

Superseded = Literal["skip", "keep"]
"""What becomes of superseded chunks: they are left out, or given like all others."""


class Counting:
    """What one reader has of one stream."""

    def __init__(self, key: str, keeps: bool) -> None:
        """Leave nothing out if it *keeps* what is superseded."""
        self._key = key
        self._keeps = keeps
        self._position = Position(0)
        self._given: Span | None = None
        self._spans: tuple[Span, ...] = ()

    def counted(
        self, chunks: Sequence[Chunk[object]], page: ChunkPage
    ) -> list[Chunk[object] | Rollback]:
        """Return what to give of *chunks*, those of *page* that follow what was given before, or
        begin the stream anew.
        """
        if self._keeps or not chunks:
            return [*chunks]
        first = chunks[0]
        if self._position.meet(generation_of_id(first.id)):
            self._given, self._spans = None, ()
        before, given = self._spans, self._given or Span(first.index, first.index)
        if _length(page.superseded) >= _length(before):  # else it was kept, and knows less
            self._spans = page.superseded
        self._given = Span(given.start, chunks[-1].index + 1)
        if not self._spans:
            return [*chunks]
        counted = [chunk for chunk in chunks if not is_superseded(self._spans, chunk.index)]
        return [*self._taken_back(given, before), *counted]

    def _taken_back(self, given: Span, before: tuple[Span, ...]) -> list[Rollback]:
        """Return what is told of those *given* that counted when the spans *before* did not."""
        lost = _within(given, self._spans) - _within(given, before)
        if lost <= 0:
            return []
        firsts = (_past(max(span.start, given.start), before) for span in self._spans)
        index = next(at for at in firsts if is_superseded(self._spans, at))
        return [Rollback(self._key, index, lost)]


def _length(spans: Iterable[Span]) -> int:
    """Return how many chunks lie in *spans*: never fewer than before."""
    return sum(span.end - span.start for span in spans)


def _within(given: Span, spans: Iterable[Span]) -> int:
    """Return how many indexes of *given* lie in *spans*."""
    return sum(max(0, min(span.end, given.end) - max(span.start, given.start)) for span in spans)


def _past(index: int, spans: Iterable[Span]) -> int:
    """Return the first index from *index* on that lies in none of *spans*."""
    for span in spans:
        if span.start <= index < span.end:
            index = span.end
    return index
