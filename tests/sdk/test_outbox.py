"""When batches leave, and what is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.sdk.outbox import NOW, Batching, Outbox

SOON = Batching(linger=0.1, chunks=3, size=100, unsent_chunks=5, unsent_size=1000)


def filled(*lines: bytes, batching: Batching = SOON) -> Outbox:
    outbox = Outbox(batching)
    for line in lines:
        outbox.put(line)
    return outbox


def after_one(seconds: float = 1.0) -> Outbox:
    """Return an outbox whose first batch left at 10.0, and took *seconds*."""
    outbox = filled(b"0\n")
    outbox.take(10.0)
    outbox.arrived(seconds)
    return outbox


def test_nothing_is_due_when_nothing_is_written() -> None:
    assert Outbox(SOON).due() is None


def test_the_first_chunk_leaves_at_once() -> None:
    assert filled(b"0\n").due() == NOW


def test_the_next_batch_gathers_while_one_is_under_way() -> None:
    outbox = filled(b"0\n")
    outbox.take(10.0)
    outbox.put(b"1\n")
    assert outbox.due() is None
    outbox.arrived(1.0)
    assert outbox.due() == 10.1


def test_the_linger_does_not_begin_again_with_every_chunk() -> None:
    outbox = after_one()
    for _ in range(2):
        outbox.put(b"1\n")
        assert outbox.due() == 10.1


def test_after_a_pause_the_first_chunk_leaves_at_once_again() -> None:
    outbox = after_one()
    outbox.put(b"1\n")
    due = outbox.due()
    assert due is not None
    assert due < 20.0


def test_a_full_batch_does_not_linger() -> None:
    outbox = after_one()
    for _ in range(3):
        outbox.put(b"1\n")
    assert outbox.due() == NOW


def test_a_large_batch_does_not_linger() -> None:
    outbox = after_one()
    outbox.put(b"x" * 100)
    assert outbox.due() == NOW


def test_in_a_hurry_what_is_written_leaves_and_what_comes_later_lingers() -> None:
    outbox = after_one()
    outbox.put(b"1\n")
    outbox.hurry()
    assert outbox.due() == NOW
    outbox.take(11.0)
    outbox.put(b"2\n")
    outbox.arrived(1.0)
    assert outbox.due() == 11.1


def test_where_appends_are_quick_the_linger_is_short() -> None:
    outbox = after_one(seconds=0.01)
    outbox.put(b"1\n")
    assert outbox.due() == pytest.approx(10.03)


def test_a_batch_is_forgotten_only_when_it_has_arrived() -> None:
    outbox = filled(b"0\n", b"1\n")
    outgoing = outbox.take(0.0)
    assert (outbox.unsent, outbox.unsent_size, outbox.acknowledged) == (2, 4, 0)
    assert outgoing == (0, 2, b"0\n1\n")
    outbox.arrived(1.0)
    assert (outbox.unsent, outbox.unsent_size, outbox.acknowledged) == (0, 0, 2)


def test_a_chunk_larger_than_a_batch_is_one() -> None:
    outbox = filled(b"x" * 500, b"1\n")
    assert outbox.take(0.0).size == 1


def test_many_chunks_and_many_bytes_are_each_full() -> None:
    assert not filled(*[b"1\n"] * 4).is_full
    assert filled(*[b"1\n"] * 5).is_full
    assert filled(b"x" * 1000).is_full


def test_what_is_under_way_counts_as_unsent() -> None:
    outbox = filled(*[b"1\n"] * 5)
    outbox.take(0.0)
    assert outbox.is_full


@given(st.lists(st.integers(1, 150), max_size=40), st.data())
def test_batches_hold_every_chunk_once_in_order_and_within_the_limits(
    sizes: list[int], data: st.DataObject
) -> None:
    lines = [b"%d" % index + b"x" * size + b"\n" for index, size in enumerate(sizes)]
    waiting, sent, number = list(lines), b"", 0
    outbox = Outbox(SOON)
    while waiting or outbox.unsent:
        if waiting and (not outbox.unsent or data.draw(st.booleans())):
            outbox.put(waiting.pop(0))
            continue
        batch = outbox.take(0.0)
        assert batch.number == number
        assert batch.size == 1 or (batch.size <= 3 and len(batch.body) <= 100)
        sent += batch.body
        number += batch.size
        outbox.arrived(0.0)
    assert sent == b"".join(lines)
    assert outbox.acknowledged == outbox.written == len(lines)
