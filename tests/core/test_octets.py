"""Bytes as lines of text, and back."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.limits import CHUNK_BYTES
from runstreams.core.octets import PIECE_BYTES, stuffed, unstuffed


@given(st.binary(max_size=200))
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert unstuffed(stuffed(data)) == data


@given(st.text(alphabet="\n\x10enü", max_size=50).map(str.encode))
def test_text_with_escapes_in_it_comes_back_as_it_was(data: bytes) -> None:
    assert unstuffed(stuffed(data)) == data


@given(st.binary(max_size=200))
def test_a_chunk_is_one_line_of_text(data: bytes) -> None:
    assert all(b"\n" not in chunk and chunk.decode() for chunk in stuffed(data))


def test_nothing_is_no_chunk() -> None:
    assert stuffed(b"") == []


def test_text_stays_what_it_is() -> None:
    assert stuffed("für alle".encode()) == ["tfür alle".encode()]


@pytest.mark.parametrize("data", [b"\n" * 2_000_000, random.Random(1).randbytes(2_000_000)])
def test_no_chunk_is_larger_than_a_chunk_may_be(data: bytes) -> None:
    chunks = stuffed(data)
    assert len(chunks) == -(-len(data) // PIECE_BYTES)
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert unstuffed(chunks) == data
