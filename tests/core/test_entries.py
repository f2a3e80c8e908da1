"""Whether an entry may be written, and what the book says afterwards."""

import pytest

from runstreams.core.entries import (
    ContentTypeDiffers,
    Entry,
    EpochOver,
    OrderBehind,
    Repeated,
    TurnMissing,
    decide,
    decode_book,
    decode_charter,
    encode_book,
    encode_charter,
)
from runstreams.core.errors import InvalidRequest, StreamClosed
from runstreams.core.limits import PRODUCERS_KEPT, Limits
from runstreams.core.model import Amendment, Book, Charter, Closed, Head, Turn

LIMITS = Limits()
TEXT = Charter("text/plain")
OPEN = Head("g", 0, 1000, charter=TEXT)


def written(head: Head, entry: Entry) -> Amendment:
    verdict = decide(head, entry, 0, LIMITS)
    assert isinstance(verdict, Amendment)
    return verdict


def entry(epoch: int, number: int, **more: bool) -> Entry:
    return Entry(b"tx\n", 1, "text/plain", turn=Turn("p", epoch, number), **more)


def at(epoch: int, number: int, closed: Closed | None = None) -> Head:
    """Return a head whose producer is at this turn."""
    return Head(
        "g", 0, 1000, charter=TEXT, book=Book(None, (Turn("p", epoch, number),)), closed=closed
    )


def test_an_entry_without_order_or_turn_leaves_the_book_alone() -> None:
    assert not written(OPEN, Entry(b"tx\n", 1, "text/plain")).writes_book


def test_a_producer_goes_on_with_its_next_request() -> None:
    assert written(at(0, 4), entry(0, 5)).book == Book(None, (Turn("p", 0, 5),))


def test_a_request_that_was_heard_is_told_how_far_its_producer_is() -> None:
    assert decide(at(0, 4), entry(0, 2), 0, LIMITS) == Repeated(Turn("p", 0, 4))


@pytest.mark.parametrize(("head", "number"), [(at(0, 4), 6), (OPEN, 1)])
def test_a_request_that_was_skipped_is_asked_for(head: Head, number: int) -> None:
    with pytest.raises(TurnMissing) as refused:
        decide(head, entry(0, number), 0, LIMITS)
    assert refused.value.received == number
    assert refused.value.expected == (5 if head.book else 0)


def test_a_new_life_begins_with_its_first_request() -> None:
    assert written(at(3, 9), entry(4, 0)).book == Book(None, (Turn("p", 4, 0),))
    with pytest.raises(InvalidRequest):
        decide(at(3, 9), entry(4, 1), 0, LIMITS)


@pytest.mark.parametrize("closed", [None, Closed("completed")])
def test_a_life_that_is_over_writes_nothing_more(closed: Closed | None) -> None:
    with pytest.raises(EpochOver) as refused:
        decide(at(3, 9, closed), entry(2, 10), 0, LIMITS)
    assert refused.value.epoch == 3


def test_the_request_that_closed_a_stream_may_come_again() -> None:
    head = at(0, 4, Closed("completed"))
    assert decide(head, entry(0, 4, closes=True), 0, LIMITS) == Repeated(Turn("p", 0, 4))
    with pytest.raises(StreamClosed):
        decide(head, entry(0, 5), 0, LIMITS)


def test_closed_is_said_before_the_content_type_and_that_before_the_order() -> None:
    wrong = Entry(b"1\n", 1, "application/json", order="a")
    with pytest.raises(StreamClosed):
        decide(Head("g", 0, 9, charter=TEXT, closed=Closed("failed")), wrong, 0, LIMITS)
    with pytest.raises(ContentTypeDiffers):
        decide(Head("g", 0, 9, charter=TEXT, book=Book("b")), wrong, 0, LIMITS)


@pytest.mark.parametrize("order", ["b", "a", "B", "10"])
def test_an_entry_comes_after_the_last_one_byte_by_byte(order: str) -> None:
    with pytest.raises(OrderBehind):
        decide(Head("g", 0, 9, book=Book("b")), Entry(b"1\n", 1, order=order), 0, LIMITS)


def test_only_the_latest_producers_are_remembered() -> None:
    known = tuple(Turn(f"p{at}", 0, 0) for at in range(PRODUCERS_KEPT))
    head = Head("g", 0, 9, charter=TEXT, book=Book(None, known))
    book = written(head, entry(0, 0)).book
    assert book is not None
    assert book.turns == (*known[1:], Turn("p", 0, 0))


def test_a_stream_lives_on_from_each_entry_or_until_its_hour() -> None:
    sliding, fixed = Charter("text/plain", ttl_ms=50), Charter("text/plain", expires_at=70)
    for charter, until in ((sliding, 60), (fixed, 70), (TEXT, 10 + LIMITS.retention_ms)):
        verdict = decide(Head("g", 0, 99, charter=charter), entry(0, 0), 10, LIMITS)
        assert isinstance(verdict, Amendment)
        assert verdict.expires == until


def test_charters_and_books_are_kept_as_text() -> None:
    for charter in (Charter("text/plain; charset=utf-8"), Charter(ttl_ms=1), Charter(expires_at=2)):
        assert decode_charter(encode_charter(charter)) == charter
    for book in (Book(), Book("ü", (Turn("p", 1, 2), Turn("q", 0, 2**53 - 1)))):
        assert decode_book(encode_book(book)) == book
