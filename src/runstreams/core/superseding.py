"""Superseding: a writer says from which chunk on those before its next one no longer count.

The log keeps them, and every chunk keeps its index; readers leave them out. A head says which they
are, as spans that neither overlap nor meet, the first ones first. A new span ends where the chunks
begin that it came with, at the tail of the very update that commits them. So it takes in those
before it that reach its beginning, and where it begins follows from the spans as they were seen.
"""

from collections.abc import Iterable

from .errors import IndexBeyondTail, SupersededTooOften
from .model import Batch, Head, Span

SPANS = 64
"""Most spans of a stream. They stand in its head, which every append rewrites."""


def made_way(spans: Iterable[Span], start: int) -> tuple[list[Span], int]:
    """Return which *spans* are left when another one begins at *start*, and where it then does."""
    left, begins = list[Span](), start
    for span in spans:
        if span.end >= start:
            begins = min(begins, span.start)
        elif span.start < span.end:
            left.append(span)
    return left, begins


def superseded(head: Head, batch: Batch) -> tuple[Span, ...]:
    """Return which chunks no longer count once *batch* is committed to *head*."""
    if batch.supersedes is None:
        return head.superseded
    left, begins = made_way(head.superseded, batch.supersedes)
    return (*left, Span(begins, head.tail))


def may_supersede(head: Head, batch: Batch, seen: tuple[Span, ...]) -> bool:
    """Say whether what *batch* supersedes was there, and the spans are still those *seen*."""
    if batch.supersedes is None:
        return True
    return batch.supersedes <= head.tail and head.superseded == seen


def check_superseding(head: Head, batch: Batch) -> None:
    """Raise `IndexBeyondTail` or `SupersededTooOften` unless *batch* may supersede what it says."""
    if batch.supersedes is not None and batch.supersedes > head.tail:
        raise IndexBeyondTail(
            f"index {batch.supersedes}, from which on chunks are to be superseded, is beyond the "
            f"tail, {head.tail}",
            tail=head.tail,
        )
    if sum(span.start < span.end for span in superseded(head, batch)) > SPANS:
        raise SupersededTooOften(
            f"a stream may have {SPANS} separate spans of superseded chunks; superseding from an "
            "earlier index takes in those after it",
            limit=SPANS,
        )


def left_out(head: Head) -> tuple[Span, ...]:
    """Return the spans that readers leave out: those that have chunks."""
    return tuple(span for span in head.superseded if span.start < span.end)


def superseded_before(head: Head, end: int) -> tuple[Span, ...]:
    """Return what is superseded of the chunks before *end*, for a fork that has those."""
    spans = (span for span in left_out(head) if span.start < end)
    return tuple(Span(span.start, min(span.end, end)) for span in spans)


def is_superseded(spans: Iterable[Span], index: int) -> bool:
    """Say whether chunk *index* lies in one of *spans*."""
    return any(span.start <= index < span.end for span in spans)


def encode_spans(spans: tuple[Span, ...]) -> str:
    """Return *spans*, at least one, as text without the end of the last, for stores: that is the
    tail of the update that writes it.
    """
    return " ".join(str(bound) for span in spans for bound in span).rpartition(" ")[0]


def decode_spans(text: str, end: int) -> tuple[Span, ...]:
    """Return what `encode_spans` was given, and where the last one ends."""
    bounds = [*map(int, text.split()), end]
    return tuple(map(Span, bounds[::2], bounds[1::2]))
