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


@pytest.mark.parametrize("begin", ["", "a", "aa", "aaa"])
@pytest.mark.parametrize("sign", ["é", "€", "👍"])
def test_text_is_not_cut_within_a_character(begin: str, sign: str) -> None:
    """Each chunk may be handed on by itself, as an event of text."""
    text = begin + sign * PIECE_BYTES
    chunks = stuffed(text.encode())
    assert "".join(unstuffed([chunk]).decode() for chunk in chunks) == text
    assert max(map(len, chunks)) <= CHUNK_BYTES


def test_what_is_no_text_is_cut_anywhere() -> None:
    data = b"\x80" * (PIECE_BYTES + 1)
    assert [len(unstuffed([chunk])) for chunk in stuffed(data)] == [PIECE_BYTES, 1]
