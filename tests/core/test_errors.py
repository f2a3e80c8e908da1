"""An error says the same whoever asks it, and stays the same wherever it is carried."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from runstreams.core.errors import (
    BodyPlace,
    Busy,
    ChunkTooLarge,
    IndexExpired,
    InvalidChunk,
    RunstreamsError,
    StreamClosed,
)
from runstreams.sdk.errors import InvalidSource, NotSent, StreamFailed

ERRORS = [
    RunstreamsError("why"),
    IndexExpired("why", first_index=3),
    StreamClosed("why", status="failed", tail=4),
    Busy("why", retry_after=7, request_id="r", http_status=503),
    InvalidChunk("why", place=BodyPlace(2, None)),
    InvalidSource("why"),
    StreamFailed("why", error=None, next_index=5),
    NotSent("why", unsent=6),
]


def carried(error: RunstreamsError) -> RunstreamsError:
    found: RunstreamsError = pickle.loads(pickle.dumps(error))
    return found


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [carried, copy.copy, copy.deepcopy, replace])
def test_a_copy_says_what_the_error_says(
    error: RunstreamsError, again: Callable[[RunstreamsError], RunstreamsError]
) -> None:
    other = again(error)
    assert type(other) is type(error)
    assert (str(other), other.message, other.args) == ("why", "why", ("why",))
    assert vars(other) == vars(error)
    assert other.facts == error.facts


def test_notes_are_carried_too() -> None:
    error = Busy("why")
    error.add_note("given up after 3 attempts")
    assert carried(error).__notes__ == ["given up after 3 attempts"]


def test_an_error_with_another_message_is_another_one() -> None:
    error = IndexExpired("why", first_index=3)
    other = replace(error, message="line 4: why", place=BodyPlace(4, 2))
    assert (str(other), other.message) == ("line 4: why", "line 4: why")
    assert (str(error), error.place) == ("why", None)


def test_facts_are_what_is_known_in_the_order_of_an_answer() -> None:
    error = ChunkTooLarge("why", limit=10, place=BodyPlace(4, None), retry_after=1)
    told = {"limit": 10, "retry_after": 1, "line": 4, "last_index": None}
    assert list(error.facts.items()) == list(told.items())
    assert InvalidChunk("why").facts == {}


def test_what_a_class_promises_must_be_given() -> None:
    with pytest.raises(TypeError, match="first_index"):
        IndexExpired("why")  # type: ignore[call-arg]
