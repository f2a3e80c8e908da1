"""Which segments are merged."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.limits import SealingPlan
from runstreams.core.merging import groups
from runstreams.core.model import SegmentName

PLAN = SealingPlan(segment_bytes=1000, fan_in=4)


def named(*sizes: int) -> list[SegmentName]:
    """Return neighbouring segments of ten chunks each."""
    return [SegmentName("g", at * 10 + 9, at * 10, 0, size) for at, size in enumerate(sizes)]


def merged(names: list[SegmentName], finally_: bool = False) -> list[list[int]]:
    return [[name.size for name in group] for group in groups(names, PLAN, finally_)]


def test_enough_neighbours_of_one_size_are_merged() -> None:
    assert merged(named(10, 10, 10)) == []
    assert merged(named(10, 10, 10, 10)) == [[10, 10, 10, 10]]


def test_what_has_grown_is_not_rewritten_for_a_little_more() -> None:
    assert merged(named(900, 10, 10, 10)) == []
    assert merged(named(900, 10, 10, 10, 10)) == [[10, 10, 10, 10]]


def test_fewer_are_merged_where_the_next_one_does_not_fit() -> None:
    """Or segments of more than a quarter of the largest would never be."""
    assert merged(named(400, 400, 400, 400)) == [[400, 400]]
    assert merged(named(300, 300, 300, 300, 300, 300)) == [[300, 300, 300]]
    assert merged(named(600, 600, 600)) == []


def test_a_merged_segment_is_no_larger_than_a_segment_may_be() -> None:
    assert merged(named(400, 400, 400, 400, 400), finally_=True) == [[400, 400], [400, 400]]


def test_at_the_end_everything_that_fits_is_merged() -> None:
    assert merged(named(10, 500, 10), finally_=True) == [[10, 500, 10]]


def test_segments_with_a_gap_between_them_stay_apart() -> None:
    apart = [name for name in named(10, 10, 10, 10, 10) if name.first != 20]
    assert merged(apart) == [[10, 10]]


@given(st.lists(st.integers(1, 1200), max_size=40), st.booleans())
def test_what_is_merged_keeps_its_order_and_its_bounds(sizes: list[int], finally_: bool) -> None:
    names = named(*sizes)
    for group in groups(names, PLAN, finally_):
        at = names.index(group[0])
        assert names[at : at + len(group)] == group
        assert sum(name.size for name in group) <= PLAN.segment_bytes
        assert len(group) >= 2


@given(st.lists(st.integers(1, 40), min_size=1, max_size=300))
def test_each_byte_is_rewritten_only_a_few_times(sizes: list[int]) -> None:
    """Each merge at least doubles the segment that a byte is in."""
    names: list[SegmentName] = []
    rewritten = 0
    ends = list(accumulate(sizes))
    for at, size in enumerate(sizes):
        names.append(SegmentName("g", at, at, 0, size))
        for group in groups(names, PLAN):
            first = names.index(group[0])
            whole = sum(name.size for name in group)
            rewritten += whole
            one = SegmentName("g", group[-1].last, group[0].first, 0, whole)
            names[first : first + len(group)] = [one]
    assert rewritten <= ends[-1] * PLAN.segment_bytes.bit_length()
