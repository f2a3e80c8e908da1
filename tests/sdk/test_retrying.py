"""Whether to try again, and when."""

import math

import pytest

from runstreams.core import errors as core
from runstreams.sdk.errors import NoRun, Unreachable, error_of
from runstreams.sdk.explaining import Doing
from runstreams.sdk.retrying import Patience, Retries, is_passing, pause


def patience(retries: Retries | None = None) -> Patience:
    return Patience(retries or Retries(), lambda: 0.0)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 599])
def test_these_statuses_pass(status: int) -> None:
    assert is_passing(error_of(status, b"<html>"))


@pytest.mark.parametrize(
    "status", [301, 400, 401, 403, 404, 405, 409, 410, 413, 416, 422, 451, 501]
)
def test_these_statuses_do_not_pass(status: int) -> None:
    assert not is_passing(error_of(status, b"<html>"))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (Unreachable("x"), True),
        (core.Busy("x"), True),
        (core.TooManyReaders("x", limit=1, http_status=429), True),
        (core.TooManyStreams("x", limit=1, http_status=429), False),
        (core.Uncertain("x"), True),
        (core.StreamFull("x", limit=1, size=2), False),
        (core.StreamClosed("x", status="failed", tail=0), False),
        (core.Unauthorized("x"), False),
        (NoRun("x"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_without_a_server_in_between_the_kind_of_error_tells(
    error: core.RunstreamsError, passes: bool
) -> None:
    assert is_passing(error) is passes


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause(Retries(), failures, 0.0) for failures in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_pauses_never_grow_beyond_the_longest_however_many_failures() -> None:
    assert pause(Retries(), 10**9, 0.0) == 5.0


def test_up_to_half_of_a_pause_is_left_to_chance() -> None:
    assert pause(Retries(), 3, 0.0) == 0.4
    assert math.isclose(pause(Retries(), 3, 1.0), 0.2)


def test_the_server_is_obeyed_within_reason() -> None:
    assert pause(Retries(), 1, 0.0, asked=7.0) == 7.0
    assert pause(Retries(), 7, 0.0, asked=1.0) == 5.0
    assert pause(Retries(), 1, 0.0, asked=86_400.0) == 60.0


def test_retry_after_is_obeyed_as_the_answer_has_it() -> None:
    assert patience().after(error_of(429, b"", retry_after=3.2)) == 4.0


def test_what_will_not_pass_is_raised_at_once() -> None:
    error = core.StreamClosed("closed", status="failed", tail=0)
    with pytest.raises(core.StreamClosed, match=r"^closed: use another key") as caught:
        patience().after(error)
    assert (caught.value.status, caught.value.tail) == ("failed", 0)


def test_what_is_raised_says_more_than_what_was_caught_which_stays_as_it_was() -> None:
    error, cause = Unreachable("no answer", request_id="r1"), OSError("reset")
    error.add_note("once")
    error.__cause__ = cause
    mine = Patience(Retries(attempts=1), lambda: 0.0, Doing("write", "run_1", "k"))
    with pytest.raises(Unreachable) as caught:
        mine.after(error)
    assert (str(error), error.message, error.__notes__) == ("no answer", "no answer", ["once"])
    told = caught.value
    assert (str(told), told.request_id) == ("run_1/k: no answer", "r1")
    assert told.__notes__ == ["once", "given up after 1 attempts without progress"]
    assert told.__cause__ is cause
    assert mine.trouble is told


def test_patience_ends_after_so_many_failures_in_a_row() -> None:
    mine = patience(Retries(attempts=3))
    mine.after(Unreachable("1"))
    mine.after(Unreachable("2"))
    with pytest.raises(Unreachable, match="3") as caught:
        mine.after(Unreachable("3"))
    assert caught.value.__notes__ == ["given up after 3 attempts without progress"]


def test_any_progress_begins_the_count_anew_but_not_for_ever() -> None:
    mine = patience(Retries(attempts=3, total=10))
    for _ in range(9):
        mine.after(Unreachable("x"))
        mine.progress()
    with pytest.raises(Unreachable):
        mine.after(Unreachable("x"))
