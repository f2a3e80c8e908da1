"""The segment format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.errors import ObjectMissing
from runstreams.core.model import SegmentName
from runstreams.core.segment import (
    SealedBatch,
    build,
    format_name,
    index_bytes,
    merged,
    parse_index,
    parse_name,
)

LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), min_size=1)
CLIENTS = st.none() | st.text(max_size=3)


@st.composite
def parts(draw: st.DrawFn) -> list[tuple[SealedBatch, bytes]]:
    """Draw batches with their lines; time never runs backwards."""
    drawn: list[tuple[SealedBatch, bytes]] = []
    time = 1_700_000_000_000
    for lines in draw(st.lists(LINES, min_size=1, max_size=6)):
        time += draw(st.integers(0, 5))
        batch = SealedBatch(len(lines), time, draw(CLIENTS), draw(st.integers(0, 9)))
        drawn.append((batch, b"".join(line + b"\n" for line in lines)))
    return drawn


@given(st.integers(0, 2**40), parts(), st.data())
def test_any_chunks_of_a_segment_are_found_by_their_indexes(
    first: int, batches: list[tuple[SealedBatch, bytes]], data: st.DataObject
) -> None:
    body = build(first, batches)
    index = parse_index(body)
    lines = b"".join(lines for _, lines in batches).split(b"\n")[:-1]
    times = [batch.time for batch, _ in batches for _ in range(batch.count)]
    assert (index.first, index.end) == (first, first + len(lines))
    start = data.draw(st.integers(first, index.end - 1))
    end = data.draw(st.integers(start, index.end))
    window = body[index.position(start) : index.position(end)]
    found = index.chunks(window, start, end)
    assert [chunk.index for chunk in found] == list(range(start, end))
    assert [chunk.data for chunk in found] == lines[start - first : end - first]
    assert [chunk.timestamp for chunk in found] == times[start - first : end - first]


@given(st.integers(0, 1000), parts(), st.data())
def test_merged_segments_are_the_segment_of_all_their_batches(
    first: int, batches: list[tuple[SealedBatch, bytes]], data: st.DataObject
) -> None:
    """Whatever they hold twice: of neighbours that overlap, each chunk stays once."""
    whole = build(first, batches)
    cut = data.draw(st.integers(1, len(batches)))
    again = data.draw(st.integers(0, cut))
    index = parse_index(build(first, batches[:cut]))
    second = first + sum(batch.count for batch, _ in batches[:again])
    segments = [(index, build(first, batches[:cut]))]
    if batches[again:] and cut < len(batches):
        body = build(second, batches[again:])
        segments.append((parse_index(body), body))
    else:
        whole = segments[0][1]
    body = merged(segments)
    assert parse_index(body).columns == parse_index(whole).columns
    assert (body, parse_index(body)) == (whole, parse_index(whole))


@given(st.integers(0, 1000), parts(), st.data())
def test_batches_are_known_from_any_chunk_on(
    first: int, batches: list[tuple[SealedBatch, bytes]], data: st.DataObject
) -> None:
    body = build(first, batches)
    index = parse_index(body)
    start = data.draw(st.integers(first, index.end - 1))
    left = [
        (batch.time, batch.client, batch.number + at)
        for batch, _ in batches
        for at in range(batch.count)
    ][start - first :]
    rest = index.batches(start)
    assert left == [
        (time, client, number + at)
        for count, time, client, number in zip(*rest, strict=True)
        for at in range(count)
    ]
    lines = body[index.position(start) : index.position(index.end)].split(b"\n")[:-1]
    assert list(index.lengths(start)) == [len(line) + 1 for line in lines]


@given(parts(), st.integers(1, 60), st.integers(0, 30))
def test_a_page_takes_as_many_chunks_as_fit_and_at_least_one(
    batches: list[tuple[SealedBatch, bytes]], size: int, overhead: int
) -> None:
    index = parse_index(build(0, batches))
    end = index.reach(0, size, overhead)

    def cost(upto: int) -> int:
        return index.position(upto) + overhead * upto

    assert end == 1 or cost(end) <= size
    assert end == index.end or cost(end + 1) > size


def test_what_has_expired_is_found_by_its_time() -> None:
    batches = [(SealedBatch(2, time, None, 0), b"1\n2\n") for time in (10, 10, 20)]
    index = parse_index(build(100, batches))
    assert [index.oldest_after(cutoff) for cutoff in (9, 10, 19, 20)] == [100, 104, 104, 106]


@pytest.mark.parametrize("damage", [b"", b"RSG1\n", b"0000000009RSG2\n", b"x" * 40])
def test_what_is_no_segment_is_an_error(damage: bytes) -> None:
    with pytest.raises(ObjectMissing):
        index_bytes(damage)


def test_the_format_is_version_1() -> None:
    """A file of the format as it was first published is read for ever."""
    body = build(7, [(SealedBatch(2, 1000, "c", 3), b'"a"\n"b"\n')])
    assert body.startswith(b'"a"\n"b"\n')
    assert body.endswith(b"RSG1\n")
    assert parse_index(body).columns["format"] == 1


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**14))
def test_a_name_says_what_the_segment_holds(last: int, first: int, time: int) -> None:
    name = SegmentName("g", last, first, time, 5)
    assert parse_name("g", format_name(name), 5) == name


@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=2))
def test_names_are_sorted_by_the_last_index(lasts: list[int]) -> None:
    names = [format_name(SegmentName("g", last, 0, 0)) for last in lasts]
    assert (names[0] < names[1]) == (lasts[0] < lasts[1])
