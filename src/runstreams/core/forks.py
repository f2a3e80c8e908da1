"""Forks as values: what a stream has of the one that it was forked from, and what that is held by.

A fork copies no chunk: its head says in whose segments the chunks lie that it has of others. Its
source counts how often it was forked, so that nobody deletes it who does not know of all its forks,
and keeps a list of them, which says who still needs its chunks.
"""

import json

from .errors import Busy
from .limits import Limits
from .model import Fork, ForkRef, Head, Span, Strand, StreamId

STRANDS = 32
"""Most streams that one has chunks of. They stand in its head, which every append rewrites."""

_ENDLESS = 2**63 - 1
"""The end of a stream's own chunks: wherever its tail is by now."""


class SourceGone(Busy, internal=True):
    """The stream to fork from was deleted, or begun anew, since it was looked at."""


def source_gone() -> SourceGone:
    """Return the error that tells that a fork's source is not there any more."""
    return SourceGone("the stream to fork from is gone")


def strand_of(stream: StreamId, head: Head, index: int) -> Strand:
    """Return where chunk *index* lies once it is sealed."""
    if head.fork is not None and index < head.fork.end:
        return next(strand for strand in head.fork.strands if strand.end > index)
    return Strand(stream, head.generation, _ENDLESS)


def strands_of(stream: StreamId, head: Head) -> tuple[Strand, ...]:
    """Return where all its chunks lie once they are sealed, the first ones first."""
    own = Strand(stream, head.generation, _ENDLESS)
    return (own,) if head.fork is None else (*head.fork.strands, own)


def inherited(stream: StreamId, head: Head, end: int) -> tuple[Strand, ...]:
    """Return where the chunks before *end* lie of a stream with this *head*, all sealed."""
    found, at = list[Strand](), 0
    for strand in strands_of(stream, head):
        if at < end:
            found.append(strand._replace(end=min(strand.end, end)))
        at = strand.end
    return tuple(found)


def origins(fork: Fork) -> list[tuple[StreamId, str]]:
    """Return all generations that *fork* has, or may have, chunks of, the nearest first."""
    strands = ((strand.stream, strand.generation) for strand in reversed(fork.strands))
    return list(dict.fromkeys([(fork.source, fork.generation), *strands]))


def may_fork(source: Head, fork: Fork) -> bool:
    """Say whether *source* is still the stream that *fork* was made from."""
    return source.generation == fork.generation and not source.is_buried


def may_go(head: Head, seen: Head | None) -> bool:
    """Say whether *head* may be removed by whoever knows of the forks *seen*, or of none."""
    if seen is None:
        return not head.forks
    return (head.generation, head.forks) == (seen.generation, seen.forks)


def fork_ref(stream: StreamId, head: Head, limits: Limits) -> ForkRef:
    """Return how a fork, whose *head* is fresh, stands in its source's list."""
    newest = max(head.created, head.sealed_time)
    return ForkRef(stream, head.generation, newest + limits.retention_ms)


def encode_fork(fork: Fork) -> str:
    """Return *fork* as text, for stores."""
    strands = [[*strand.stream, strand.generation, strand.end] for strand in fork.strands]
    asked = [*fork.source, fork.generation, fork.anchor, fork.beyond]
    said = [*asked, fork.began, fork.time, strands]
    return json.dumps([*said, fork.superseded] if fork.superseded else said)


def decode_fork(text: str) -> Fork:
    """Return what `encode_fork` was given."""
    run, key, generation, anchor, beyond, began, time, strands, *spans = json.loads(text)
    parts = tuple(Strand(StreamId(run, key), *rest) for run, key, *rest in strands)
    superseded = tuple(Span(*span) for span in (spans[0] if spans else ()))
    return Fork(StreamId(run, key), generation, anchor, beyond, began, time, parts, superseded)
