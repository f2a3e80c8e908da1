"""A reader's cursor: nothing twice, nothing missing."""

import pytest

from runstreams.core.errors import IndexBeyondTail, IndexExpired
from runstreams.core.model import Closed
from runstreams.sdk.reading.cursor import ReadCursor
from runstreams.sdk.records import Chunk, ChunkPage


def page(
    *indexes: int, tail: int | None = None, stream: str = "a", next_index: int = 0
) -> ChunkPage:
    chunks: list[Chunk[object]] = [Chunk(index, index, f"{stream}-{index}", 0) for index in indexes]
    end = indexes[-1] + 1 if indexes else next_index
    return ChunkPage(chunks, end, end if tail is None else tail)


def indexes(chunks: list[Chunk[object]]) -> list[int]:
    return [chunk.index for chunk in chunks]


def test_pages_follow_one_another() -> None:
    cursor = ReadCursor(0)
    assert cursor.ask is None
    assert indexes(cursor.take(page(0, 1, tail=3))) == [0, 1]
    assert (cursor.ask, cursor.is_behind) == (2, True)
    assert indexes(cursor.take(page(2))) == [2]
    assert (cursor.ask, cursor.is_behind) == (3, False)


def test_what_comes_twice_is_dropped() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2))
    assert indexes(cursor.take(page(1, 2, 3))) == [3]
    assert cursor.take(page(2, 3)) == []
    assert cursor.next_index == 4


def test_an_old_page_moves_nothing() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2, 3))
    assert cursor.take(page(0, 1)) == []
    assert (cursor.ask, cursor.tail, cursor.next_index) == (4, 4, 4)


def test_a_hole_is_an_error_that_names_what_is_left() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1))
    with pytest.raises(IndexExpired) as caught:
        cursor.take(page(5, 6))
    assert caught.value.facts == {"first_index": 5}


def test_from_the_beginning_means_from_the_oldest_chunk_left() -> None:
    assert indexes(ReadCursor(0).take(page(7, 8))) == [7, 8]


def test_an_index_that_was_asked_for_and_is_gone_is_an_error() -> None:
    with pytest.raises(IndexExpired):
        ReadCursor(3).take(page(7, 8))


def test_an_index_that_is_not_there_yet_is_waited_for_at_the_tail() -> None:
    cursor = ReadCursor(10)
    cursor.beyond(IndexBeyondTail("beyond", tail=8))
    assert (cursor.ask, cursor.is_behind) == (8, False)
    assert indexes(cursor.take(page(8, 9, 10, 11))) == [10, 11]


def test_a_stream_begun_anew_is_read_from_its_beginning() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2))
    assert indexes(cursor.take(page(0, 1, stream="b"))) == [0, 1]


def test_a_stream_begun_anew_that_is_longer_already_is_asked_for_from_its_beginning() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1))
    assert cursor.take(page(2, 3, stream="b", tail=4)) == []
    assert (cursor.ask, cursor.is_behind) == (None, True)
    assert indexes(cursor.take(page(0, 1, 2, 3, stream="b"))) == [0, 1, 2, 3]


def test_a_tail_below_what_was_read_means_that_the_stream_was_begun_anew() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2))
    cursor.beyond(IndexBeyondTail("beyond", tail=1))
    assert cursor.ask is None


def test_a_stream_that_was_left_is_not_gone_back_to() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2))
    cursor.take(page(0, 1, stream="b"))
    assert cursor.take(page(0, 1, 2)) == []
    assert (cursor.ask, cursor.next_index) == (2, 2)
    assert indexes(cursor.take(page(2, stream="b"))) == [2]


def test_a_stream_that_was_not_begun_anew_after_all_goes_on_where_it_was() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1, 2))
    cursor.beyond(IndexBeyondTail("beyond", tail=1))
    assert cursor.take(page(0, 1, 2)) == []
    assert (cursor.ask, cursor.next_index) == (3, 3)
    assert cursor.take(page(4, 5, stream="b")) == []
    assert cursor.take(page(0, 1, 2)) == []
    assert indexes(cursor.take(page(3))) == [3]


def test_what_is_left_of_a_stream_begun_anew_may_begin_late() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0, 1))
    assert cursor.take(page(5, 6, stream="b")) == []
    assert indexes(cursor.take(page(4, 5, 6, stream="b"))) == [4, 5, 6]


def test_what_has_expired_meanwhile_is_an_error_unless_the_stream_is_new() -> None:
    cursor = ReadCursor(4)
    with pytest.raises(IndexExpired):
        cursor.expired(IndexExpired("gone", first_index=9))
    cursor.expired(IndexExpired("begun anew", first_index=0))
    assert cursor.ask is None


def test_the_end_is_known_when_it_is_reached() -> None:
    cursor = ReadCursor(0)
    cursor.take(page(0)._replace(closed=Closed("failed", "why")))
    assert cursor.closed == Closed("failed", "why")
    assert not cursor.is_behind
