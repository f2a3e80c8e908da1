"""Lines that are looked at together, against lines that are checked one by one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runstreams.core.json_lines import check_chunk, plain_chunks
from runstreams.core.limits import CHUNK_BYTES, NESTING
from tests.core.json_values import VALUES

LINES = st.builds(
    lambda value, ascii: json.dumps(value, ensure_ascii=ascii).encode(),
    VALUES,
    st.booleans(),
)
PIECES = st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b":", b"1", b" ", b"\\ud800", b"\r"])
TORN = st.lists(PIECES, max_size=8).map(b"".join) | st.binary().map(
    lambda data: data.replace(b"\n", b"")
)


@settings(deadline=None)
@given(st.lists(LINES | TORN, max_size=6))
def test_what_is_taken_together_would_be_taken_one_by_one(lines: list[bytes]) -> None:
    """Nothing gets in that `check_chunk` would refuse or change."""
    chunks = plain_chunks(lines)
    if chunks is not None:
        assert [check_chunk(line) for line in lines if line] == chunks


@settings(deadline=None)
@given(st.lists(LINES.filter(lambda line: len(line) <= NESTING), max_size=6))
def test_ordinary_lines_are_taken_together(lines: list[bytes]) -> None:
    """Short values as JSON libraries write them need no closer look."""
    assert lines == plain_chunks([*lines, b""])


@pytest.mark.parametrize(
    "line",
    [
        b" 1",
        b"1 ",
        b"1\r",
        b"1 2",
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"9" * 5_000,
        b'"\xff"',
        b'"',
        b"[" * (NESTING + 1) + b"]" * (NESTING + 1),
        b'"' + b"x" * CHUNK_BYTES + b'"',
    ],
)
def test_a_line_that_is_not_plain_needs_a_closer_look(line: bytes) -> None:
    """It may be bad, or only have white space around it."""
    assert plain_chunks([b"1", line, b"2"]) is None


def test_a_value_on_two_lines_is_no_chunk() -> None:
    """Though both lines together are one value."""
    assert plain_chunks([b"[1,", b"2]", b'"a', b'b"']) is None
