"""Where objects are, and that no two streams' are in one place."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.model import SegmentName, StreamId
from runstreams.stores.aws.layout import (
    STREAMS,
    Layout,
    batch_key,
    segment_key,
    segment_prefixes,
)
from tests.stores.aws_strategies import TEXTS

STREAM = StreamId("run", "key")

ANY_STREAM = st.builds(StreamId, TEXTS, TEXTS)


def test_an_object_is_where_its_name_says() -> None:
    assert batch_key(STREAM, "0a") == "b/run/key/0a"
    assert batch_key(STREAM, "h0a") == "b/b37f!/run/key/h0a"
    name = SegmentName("0f", last=9, first=0, time=5)
    rest = "00000000000000000009-00000000000000000000-000000000000005"
    assert segment_key(STREAM, name) == f"s/run/key/0f/{rest}"
    for generation in ("h0f", "3.h0f"):  # the epoch of a restored table stands before it
        there = name._replace(generation=generation)
        assert segment_key(STREAM, there) == f"s/b37f!/run/key/{generation}/{rest}"


@given(ANY_STREAM, ANY_STREAM)
def test_no_streams_objects_are_among_those_of_another(one: StreamId, other: StreamId) -> None:
    for prefix in segment_prefixes(one):
        for beside in segment_prefixes(other):
            assert one == other or not beside.startswith(prefix)


def test_streams_whose_runs_begin_alike_are_spread() -> None:
    """S3 divides a bucket by how keys begin, and each part takes so many requests a second."""
    streams = [StreamId(f"run_cm{number:06}", "chunks") for number in range(4096)]
    begin = Counter(batch_key(stream, "h")[:3] for stream in streams)
    assert len(begin) == 16
    assert max(begin.values()) < 2 * 4096 / 16


def test_a_stream_keeps_the_kind_of_names_that_it_was_opened_with() -> None:
    layout = Layout(spread=True)
    assert layout.fits(STREAM, layout.name_of(STREAM, "0"), generation="h0")
    assert not layout.fits(STREAM, layout.name_of(STREAM, "0"), generation="0")
    assert layout.fits(STREAM, layout.name_of(STREAM, "0"), generation="0")
    assert layout.name_of(StreamId("run", "another"), "0") == "h0"


def test_only_so_many_streams_are_remembered() -> None:
    layout = Layout(spread=True)
    streams = [StreamId("run", str(number)) for number in range(STREAMS + 1)]
    for stream in streams:
        layout.fits(stream, "h0", generation="0")
    assert [layout.name_of(streams[at], "0") for at in (0, 1, -1)] == ["h0", "0", "0"]
