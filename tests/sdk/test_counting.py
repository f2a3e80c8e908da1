"""What a reader is given where chunks no longer count, whatever came before in which pages."""

import random

from runstreams.core.model import Span
from runstreams.core.superseding import is_superseded, made_way
from runstreams.sdk.reading.superseding import Counting
from runstreams.sdk.records import Chunk, ChunkPage, Rollback


def page(first: int, end: int, *spans: Span, tail: int, generation: str = "g") -> ChunkPage:
    chunks: list[Chunk[object]] = [
        Chunk(index, index, f"{generation}-{index}", 0) for index in range(first, end)
    ]
    return ChunkPage(chunks, end, tail, superseded=spans)


def given(counting: Counting, page: ChunkPage) -> list[object]:
    """Return indexes, and where it rolls back and how far."""
    return [
        (each.index, each.dropped) if isinstance(each, Rollback) else each.index
        for each in counting.counted(page.chunks, page)
    ]


def test_what_was_given_is_taken_back_and_what_was_not_is_left_out() -> None:
    counting = Counting("key", keeps=False)
    assert given(counting, page(0, 3, tail=5)) == [0, 1, 2]
    assert given(counting, page(3, 7, Span(1, 6), tail=7)) == [(1, 2), 6]
    assert given(counting, page(7, 9, Span(1, 8), tail=9)) == [(6, 1), 8]


def test_a_page_that_something_has_kept_tells_no_less_than_those_before() -> None:
    counting = Counting("key", keeps=False)
    assert given(counting, page(0, 2, Span(1, 6), tail=9)) == [0]
    assert given(counting, page(2, 4, tail=4)) == []
    assert given(counting, page(4, 8, Span(1, 6), tail=9)) == [6, 7]


def test_a_stream_that_is_begun_anew_has_nothing_of_the_one_before() -> None:
    counting = Counting("key", keeps=False)
    given(counting, page(0, 5, Span(1, 3), tail=5))
    assert given(counting, page(0, 2, tail=2, generation="h")) == [0, 1]
    assert given(counting, page(2, 3, Span(0, 2), tail=3, generation="h")) == [(0, 2), 2]


def test_who_does_what_it_is_told_has_what_counts() -> None:
    """However chunks are cut into pages, and superseded meanwhile."""
    for seed in range(200):
        rng, spans, tail = random.Random(seed), (), 0
        counting, seen, at = Counting("key", keeps=False), list[int](), rng.randrange(3)
        while tail < 60:
            if rng.random() < 0.3:
                left, begins = made_way(spans, rng.randrange(tail + 1))
                spans = (*left, Span(begins, tail))
            tail += rng.randrange(1, 6)
            if at < tail and rng.random() < 0.5:
                end = rng.randrange(at, tail) + 1
                told = tuple(span for span in spans if span.start < span.end)
                for each in counting.counted(*taken(page(at, end, *told, tail=tail))):
                    if isinstance(each, Rollback):
                        del seen[len(seen) - each.dropped :]
                        assert not seen or seen[-1] < each.index
                    else:
                        seen.append(each.index)
                at = end
                began = min(seen, default=at)
                counts = [i for i in range(began, at) if not is_superseded(spans, i)]
                assert seen == counts, seed


def taken(page: ChunkPage) -> tuple[list[Chunk[object]], ChunkPage]:
    return page.chunks, page
