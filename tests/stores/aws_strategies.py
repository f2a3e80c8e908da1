"""Heads and runs of all kinds, for property tests."""

import json
from dataclasses import replace

from hypothesis import strategies as st

from runstreams.core.model import (
    Closed,
    Fence,
    Fork,
    Head,
    Lease,
    Pointer,
    Run,
    Sent,
    Span,
    StoredBatch,
    Strand,
    StreamId,
)
from runstreams.stores.aws.layout import SHORT, SPREAD, is_short
from runstreams.stores.aws.writers import HashedClients

TIMES = st.integers(0, 10**14)
NUMBERS = st.integers(0, 10**12)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=16)
IDS = st.text("0123456789abcdef", min_size=16, max_size=16)
GENERATIONS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "1.", "12."]),
    st.sampled_from(["", SPREAD]),
    st.sampled_from(["", SHORT]),
    IDS,
)
SENT = st.builds(Sent, NUMBERS, NUMBERS)
STATUSES = st.sampled_from(["completed", "failed", "canceled"])
CLOSED = st.builds(
    Closed,
    STATUSES,
    st.none() | st.text(max_size=20),
    st.none() | st.sampled_from(["producer_lost", "deleted"]),
)
LEASES = st.none() | st.builds(Lease, TIMES, NUMBERS, TEXTS)


CLIENTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.just("."), min_size=1
)
CHUNKS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9).map(
    lambda text: json.dumps(text, ensure_ascii=False).encode() + b"\n"
)


def as_read(head: Head) -> Head:
    """Return *head* with its clients as the table tells them."""
    return replace(head, clients=HashedClients(head.clients)) if is_short(head.generation) else head


@st.composite
def pointers(draw: st.DrawFn, first: int, time: int, inline: bool) -> tuple[Pointer, ...]:
    found: list[Pointer] = []
    for name in draw(st.lists(IDS, max_size=5)):
        time += draw(st.integers(0, 1000))
        if inline and draw(st.booleans()):
            pointer = draw(inline_pointer(name, time, first))
        else:
            count = draw(st.integers(1, 99))
            pointer = Pointer(name, draw(NUMBERS), count, draw(NUMBERS), time, first)
        found.append(pointer)
        first = pointer.end
    return tuple(found)


@st.composite
def inline_pointer(draw: st.DrawFn, name: str, time: int, first: int) -> Pointer:
    chunks = draw(st.lists(CHUNKS, min_size=1, max_size=3))
    lines, client = b"".join(chunks), draw(st.none() | CLIENTS)
    batch = StoredBatch(lines, client, draw(NUMBERS))
    size = len(lines) - len(chunks)
    return Pointer(name[:4] if client else name, 0, len(chunks), size, time, first, batch)


STREAMS = st.builds(StreamId, TEXTS, TEXTS)
STRANDS = st.lists(st.builds(Strand, STREAMS, GENERATIONS, NUMBERS), max_size=3).map(tuple)
SPANS = st.lists(st.builds(Span, NUMBERS, NUMBERS), max_size=3).map(tuple)
FORKED = STREAMS, GENERATIONS, NUMBERS, NUMBERS, TIMES, TIMES, STRANDS, SPANS
FORKS = st.none() | st.builds(Fork, *FORKED)


@st.composite
def any_head(draw: st.DrawFn) -> Head:
    created, sealed, sealed_time = draw(TIMES), draw(NUMBERS), draw(TIMES)
    inline = draw(st.booleans())
    pending = draw(pointers(sealed, max(created, sealed_time), inline))
    closed = draw(st.none() | CLOSED)
    return Head(
        generation=draw(GENERATIONS),
        created=created,
        expires=draw(TIMES),
        tail=pending[-1].end if pending else sealed,
        sealed=sealed,
        sealed_time=sealed_time,
        size=draw(NUMBERS),
        appended=draw(st.none() | TIMES),
        unsealed=len(pending),
        pending=pending,
        clients=draw(st.dictionaries(TEXTS, SENT, max_size=4)),
        once=draw(st.dictionaries(IDS, NUMBERS, max_size=4)),
        spills=draw(NUMBERS),
        closed=closed,
        closed_by_run=closed is not None and draw(st.booleans()),
        stop=draw(st.booleans()),
        appended_before=draw(st.none() | TIMES),
        lease=draw(LEASES),
        inlined=sum(pointer.weight for pointer in pending) if inline else None,
        fork=draw(FORKS),
        forks=draw(NUMBERS),
        fence=draw(st.none() | st.builds(Fence, st.integers(1, 99), NUMBERS)),
        superseded=draw(SPANS),
    )


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    ended = draw(st.none() | st.tuples(TIMES, STATUSES, st.none() | st.text(max_size=20)))
    lineage = draw(st.none() | TEXTS), draw(st.none() | TEXTS)
    ending = ended or (None, None, None)
    counts = draw(st.just((0, 0)) | st.tuples(NUMBERS, TIMES.filter(bool)))
    return Run(draw(TEXTS), draw(TIMES), draw(TIMES), *lineage, *ending, draw(LEASES), *counts)


RUNS = any_run()
