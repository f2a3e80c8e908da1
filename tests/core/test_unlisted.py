"""Segments whose names follow from two looks at a head."""

import pytest

from runstreams.core import unlisted
from runstreams.core.model import Head, SegmentName, StreamId
from runstreams.core.unlisted import Unlisted

STREAM = StreamId("run", "key")


def seen(*sealed: int, generation: str = "g") -> Unlisted:
    """Return what knows of looks at a stream that was sealed so far."""
    it = Unlisted()
    for at in sealed:
        it.see(STREAM, Head(generation, 0, 9, tail=50, sealed=at, sealed_time=at * 10))
    return it


@pytest.mark.parametrize("looks", [(5, 8), (5, 8, 8), (5, 8, 6), (0, 5, 8)])
def test_a_segment_lies_between_two_looks(looks: tuple[int, ...]) -> None:
    """Whatever a late answer says."""
    it = seen(*looks)
    found = [it.holding(STREAM, "g", at) for at in (4, 5, 7, 8)]
    name = SegmentName("g", 7, 5, 80)
    assert found == [None, name, name, None]


def test_one_look_tells_nothing() -> None:
    assert seen(8).holding(STREAM, "g", 5) is None


def test_what_was_seen_of_another_stream_of_that_name_tells_nothing() -> None:
    it = seen(5, 8)
    assert it.holding(STREAM, "h", 5) is None
    it.see(STREAM, Head("h", 0, 9, tail=50, sealed=9))
    assert it.holding(STREAM, "h", 8) is None


def test_a_segment_that_is_not_there_is_asked_for_once() -> None:
    it = seen(5, 8)
    it.refuse(STREAM, SegmentName("g", 9, 8, 100))
    assert it.holding(STREAM, "g", 5) is not None
    it.refuse(STREAM, SegmentName("g", 7, 5, 80))
    assert it.holding(STREAM, "g", 5) is None


def test_so_many_streams_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlisted, "_KEPT", 1)
    it = seen(5, 8)
    it.see(StreamId("run", "another"), Head("g", 0, 9))
    assert it.holding(STREAM, "g", 5) is None
