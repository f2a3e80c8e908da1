"""Whether an entry may be written, and what a stream's book says afterwards.

An entry is one request of the open protocol: chunks, a close, or both. Its place in the order of
its writers and its producer's turn stand in the stream's book, which changes by the same update as
the tail.
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

from .commit import check_open
from .errors import InvalidRequest, Refused
from .limits import PRODUCERS_KEPT, Limits
from .model import JSON_TYPE, Amendment, Book, Charter, Closed, Head, Turn, kind_of
from .retention import lasts_until

COMPLETED = Closed("completed")
"""How a stream ends that is closed without more words."""


class AgreedDifferently(Refused, internal=True):
    """The stream was created before, otherwise."""

    code = "agreed_differently"


@dataclass(eq=False, repr=False, kw_only=True)
class ContentTypeDiffers(Refused, internal=True):
    """The stream is of another *content_type*."""

    code = "content_type_differs"
    content_type: str


@dataclass(eq=False, repr=False, kw_only=True)
class OrderBehind(Refused, internal=True):
    """What is sent must come after *last* in its writers' own order."""

    code = "order_behind"
    last: str


@dataclass(eq=False, repr=False, kw_only=True)
class EpochOver(Refused, internal=True):
    """A later life of the producer writes: that of *epoch*."""

    code = "epoch_over"
    epoch: int


@dataclass(eq=False, repr=False, kw_only=True)
class TurnMissing(Refused, internal=True):
    """A producer's requests must follow one another: *expected* is the next one's number,
    *received* that of the one that came.
    """

    code = "turn_missing"
    expected: int
    received: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: the *count* chunks of *lines*, and what else it says."""

    lines: bytes = b""
    count: int = 0
    content_type: str | None = None
    """What the chunks are; None for a close alone, of which nobody asks."""
    closes: bool = False
    order: str | None = None
    """Its place in its writers' own order."""
    turn: Turn | None = None
    """Which of its producer's requests it is."""

    @property
    def size(self) -> int:
        """Bytes that count against the stream's limit."""
        return len(self.lines) - self.count

    @property
    def is_plain(self) -> bool:
        """Whether it is chunks and nothing else, wherever they come to stand."""
        return not self.closes and self.order is None and self.turn is None


class Repeated(NamedTuple):
    """The entry was written before; *turn* is its producer's last."""

    turn: Turn | None


def decide(head: Head, entry: Entry, now: int, limits: Limits) -> Amendment | Repeated:
    """Return what *entry* changes of *head*.

    In this order: a life that is over, written before, closed, another content type, its order, its
    turn. Raises `EpochOver`, `StreamClosed`, `RunCompleted`, `ContentTypeDiffers`, `OrderBehind`,
    `TurnMissing`, `InvalidRequest`.
    """
    seen = head.book or Book()
    last = last_turn(seen, entry.turn)
    if last is not None and entry.turn is not None:
        if entry.turn.epoch < last.epoch:
            raise EpochOver(f"the producer writes in epoch {last.epoch}", epoch=last.epoch)
        if entry.turn.epoch == last.epoch and entry.turn.number <= last.number:
            return Repeated(last)
    if head.closed is not None and entry.closes and not entry.count and entry.turn is None:
        return Repeated(None)
    check_open(head)
    _check_content(head, entry)
    _check_order(seen, entry)
    _check_turn(last, entry.turn)
    book = _written(seen, entry)
    closed = COMPLETED if entry.closes else None
    known = head.book if book == seen else book
    return Amendment(head.generation, lasts_until(head, now, limits), head.book, known, closed)


def check_ends(head: Head, first: Entry) -> None:
    """Raise `AgreedDifferently` unless the stream has ended just if *first*, which creates it,
    closes it.
    """
    if first.closes != (head.closed is not None):
        raise AgreedDifferently("the stream is closed, or is not, unlike what was asked for")


def content_type_of(head: Head) -> str:
    """Return a stream's content type."""
    return head.charter.content_type if head.charter else JSON_TYPE


def last_turn(book: Book | None, turn: Turn | None) -> Turn | None:
    """Return the last turn in *book* of the producer whose *turn* it is."""
    if turn is None or book is None:
        return None
    return next((last for last in book.turns if last.producer == turn.producer), None)


def _check_content(head: Head, entry: Entry) -> None:
    there = content_type_of(head)
    if entry.content_type is not None and kind_of(entry.content_type) != kind_of(there):
        raise ContentTypeDiffers(f"the stream is of {there}", content_type=there)


def _check_order(book: Book, entry: Entry) -> None:
    if entry.order is not None and book.order is not None and entry.order <= book.order:
        raise OrderBehind(f"the last entry was at {book.order!r}", last=book.order)


def _check_turn(last: Turn | None, turn: Turn | None) -> None:
    if turn is None:
        return
    if last is not None and turn.epoch > last.epoch and turn.number:
        raise InvalidRequest("a producer's new epoch begins with number 0")
    same = last is not None and turn.epoch == last.epoch
    expected = last.number + 1 if same and last else 0
    if turn.number != expected:
        raise TurnMissing(
            f"request {turn.number} of the producer came, but {expected} comes next",
            expected=expected,
            received=turn.number,
        )


def _written(book: Book, entry: Entry) -> Book:
    turn, turns = entry.turn, book.turns
    if turn is not None:
        others = [last for last in turns if last.producer != turn.producer]
        turns = (*others[-PRODUCERS_KEPT + 1 :], turn)
    order = book.order if entry.order is None else entry.order
    return Book(order, turns)


def encode_charter(charter: Charter) -> str:
    """Return *charter* as text, for stores."""
    said = [charter.content_type, charter.ttl_ms, charter.expires_at]
    return json.dumps(said if charter.trace is None else [*said, charter.trace])


def decode_charter(text: str) -> Charter:
    """Return what `encode_charter` was given."""
    return Charter(*json.loads(text))


def encode_book(book: Book) -> str:
    """Return *book* as text, for stores: the same text for the same book."""
    return json.dumps([book.order, book.turns])


def decode_book(text: str) -> Book:
    """Return what `encode_book` was given."""
    order, turns = json.loads(text)
    return Book(order, tuple(Turn(*turn) for turn in turns))
