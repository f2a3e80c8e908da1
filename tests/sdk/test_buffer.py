"""When batches leave, and what is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.sdk.writing.buffer import NOW, Batching, Buffer

SOON = Batching(linger=0.1, chunks=3, size=100, unsent_chunks=5, unsent_size=1000)


def filled(*lines: bytes, batching: Batching = SOON) -> Buffer:
    buffer = Buffer(batching)
    for line in lines:
        buffer.put(line)
    return buffer


def under_way(seconds: float = 1.0, batching: Batching = SOON) -> Buffer:
    """Return a buffer whose second batch has left at 10.0; each append takes *seconds*."""
    buffer = filled(b"0\n", batching=batching)
    buffer.take(9.0)
    buffer.arrived(seconds)
    buffer.put(b"0\n")
    buffer.take(10.0)
    return buffer


def after_two(seconds: float = 1.0) -> Buffer:
    """Return a buffer whose second batch left at 10.0 and has arrived."""
    buffer = under_way(seconds)
    buffer.arrived(seconds)
    return buffer


def test_nothing_is_due_when_nothing_is_written() -> None:
    assert Buffer(SOON).due() is None


def test_the_first_chunk_leaves_at_once() -> None:
    assert filled(b"0\n").due() == NOW


def test_the_next_batch_gathers_while_one_is_under_way() -> None:
    buffer = under_way()
    buffer.put(b"1\n")
    assert buffer.due() is None
    buffer.arrived(1.0)
    assert buffer.due() == 10.1


def test_the_second_batch_leaves_when_the_first_has_arrived() -> None:
    """That one has opened the connection and the stream: it tells nothing of those to come."""
    buffer = filled(b"0\n")
    buffer.take(10.0)
    buffer.put(b"1\n")
    buffer.arrived(1.0)
    assert buffer.due() == 10.0


def test_the_linger_does_not_begin_again_with_every_chunk() -> None:
    buffer = after_two()
    for _ in range(2):
        buffer.put(b"1\n")
        assert buffer.due() == 10.1


def test_after_a_pause_the_first_chunk_leaves_at_once_again() -> None:
    buffer = after_two()
    buffer.put(b"1\n")
    due = buffer.due()
    assert due is not None
    assert due < 20.0


@pytest.mark.parametrize(
    ("own", "advised", "due"), [(None, None, 10.1), (None, 0.25, 10.25), (0.05, 0.25, 10.05)]
)
def test_a_batch_gathers_as_the_user_says_else_as_the_server_advises(
    own: float | None, advised: float | None, due: float
) -> None:
    buffer = under_way(batching=Batching(linger=own))
    buffer.put(b"1\n")
    buffer.arrived(1.0, advised)
    assert buffer.due() == due


def test_an_advised_linger_holds_where_appends_are_quick() -> None:
    """They are paid for all the same."""
    buffer = filled(b"0\n", batching=Batching())
    buffer.take(10.0)
    buffer.put(b"1\n")
    buffer.arrived(0.001, 0.25)
    assert buffer.due() == 10.25


def test_a_full_batch_does_not_linger() -> None:
    buffer = after_two()
    for _ in range(3):
        buffer.put(b"1\n")
    assert buffer.due() == NOW


def test_a_large_batch_does_not_linger() -> None:
    buffer = after_two()
    buffer.put(b"x" * 100)
    assert buffer.due() == NOW


def test_in_a_hurry_what_is_written_leaves_and_what_comes_later_lingers() -> None:
    buffer = after_two()
    buffer.put(b"1\n")
    buffer.hurry()
    assert buffer.due() == NOW
    buffer.take(11.0)
    buffer.put(b"2\n")
    buffer.arrived(1.0)
    assert buffer.due() == 11.1


def test_where_appends_are_quick_the_linger_is_short() -> None:
    buffer = after_two(seconds=0.01)
    buffer.put(b"1\n")
    assert buffer.due() == pytest.approx(10.03)


def test_a_chunk_that_supersedes_others_begins_a_batch() -> None:
    buffer = filled(b"0\n")
    for start in (5, 3, 4):
        buffer.supersede(start)
    buffer.put(b"1\n")
    buffer.put(b"2\n")
    assert buffer.take(0.0) == (0, 1, b"0\n", None)
    buffer.arrived(0.0)
    assert buffer.take(0.0) == (1, 2, b"1\n2\n", 3)


def test_a_batch_is_forgotten_only_when_it_has_arrived() -> None:
    buffer = filled(b"0\n", b"1\n")
    in_flight = buffer.take(0.0)
    assert (buffer.unsent, buffer.unsent_size, buffer.acknowledged) == (2, 4, 0)
    assert in_flight == (0, 2, b"0\n1\n", None)
    buffer.arrived(1.0)
    assert (buffer.unsent, buffer.unsent_size, buffer.acknowledged) == (0, 0, 2)


def test_a_chunk_larger_than_a_batch_is_one() -> None:
    buffer = filled(b"x" * 500, b"1\n")
    assert buffer.take(0.0).size == 1


def test_many_chunks_and_many_bytes_are_each_full() -> None:
    assert not filled(*[b"1\n"] * 4).is_full
    assert filled(*[b"1\n"] * 5).is_full
    assert filled(b"x" * 1000).is_full


def test_what_is_under_way_counts_as_unsent() -> None:
    buffer = filled(*[b"1\n"] * 5)
    buffer.take(0.0)
    assert buffer.is_full


@given(st.lists(st.integers(1, 150), max_size=40), st.data())
def test_batches_hold_every_chunk_once_in_order_and_within_the_limits(
    sizes: list[int], data: st.DataObject
) -> None:
    lines = [b"%d" % index + b"x" * size + b"\n" for index, size in enumerate(sizes)]
    waiting, sent, number = list(lines), b"", 0
    buffer = Buffer(SOON)
    while waiting or buffer.unsent:
        if waiting and (not buffer.unsent or data.draw(st.booleans())):
            buffer.put(waiting.pop(0))
            continue
        batch = buffer.take(0.0)
        assert batch.number == number
        assert batch.size == 1 or (batch.size <= 3 and len(batch.body) <= 100)
        sent += batch.body
        number += batch.size
        buffer.arrived(0.0)
    assert sent == b"".join(lines)
    assert buffer.acknowledged == buffer.written == len(lines)
