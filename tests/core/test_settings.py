"""The limits as an operator gives them."""

import pytest

from runstreams.core.limits import DAY_MS, MIB, Limits
from runstreams.core.settings import (
    AWS_LINGER_MS,
    EPOCH,
    INLINE_BYTES,
    LINGER_MS,
    POLL_MS,
    PREVIOUS_DAYS,
    PREVIOUS_KEY_DAYS,
    RETENTION_DAYS,
    RUN_MAX_STREAMS,
    SHORT_CLIENTS,
    SPREAD,
    STREAM_MAX_BYTES,
    TRACING,
    is_on,
    limits_of,
    linger_of,
    previous_days_of,
)


def told() -> dict[str, str]:
    return {
        RETENTION_DAYS: "1",
        STREAM_MAX_BYTES: str(MIB),
        RUN_MAX_STREAMS: "3",
        EPOCH: "2",
        INLINE_BYTES: "0",
        POLL_MS: "50",
    }


def never() -> dict[str, str]:
    raise AssertionError("this need not be asked")


def test_where_nobody_says_anything_the_limits_are_the_usual_ones() -> None:
    assert limits_of() == limits_of({}, {RETENTION_DAYS: "", STREAM_MAX_BYTES: None}) == Limits()


def test_what_is_not_given_is_as_the_deployment_tells() -> None:
    assert limits_of({}, deployed=told) == Limits(DAY_MS, MIB, 3, 2, 0, 50)
    assert limits_of({RETENTION_DAYS: "2"}, deployed=told) == Limits(2 * DAY_MS, MIB, 3, 2, 0, 50)
    assert limits_of({STREAM_MAX_BYTES: 0}, deployed=told) == Limits(DAY_MS, 0, 3, 2, 0, 50)
    assert limits_of({RUN_MAX_STREAMS: 0}, deployed=told) == Limits(DAY_MS, MIB, 0, 2, 0, 50)


def test_the_first_place_that_says_something_is_believed() -> None:
    given = {RETENTION_DAYS: 0.5, STREAM_MAX_BYTES: None}
    assert limits_of(given, told(), deployed=never) == Limits(DAY_MS // 2, MIB, 3, 2, 0, 50)


def test_writers_to_aws_are_advised_to_gather_chunks_unless_somebody_says_otherwise() -> None:
    given: list[dict[str, str]] = [{}, {LINGER_MS: ""}, {LINGER_MS: "500"}, {LINGER_MS: "0"}]
    assert [linger_of(each) for each in given] == [AWS_LINGER_MS, AWS_LINGER_MS, 500, None]
    with pytest.raises(ValueError, match=r"^RUNSTREAMS_LINGER_MS: 'soon' is not a number$"):
        linger_of({LINGER_MS: "soon"})


def test_the_key_before_the_current_one_is_accepted_for_as_long_as_somebody_says() -> None:
    given: list[dict[str, str]] = [{}, {PREVIOUS_KEY_DAYS: ""}, {PREVIOUS_KEY_DAYS: "0.5"}]
    assert [previous_days_of(each) for each in given] == [PREVIOUS_DAYS, PREVIOUS_DAYS, 0.5]
    for value, why in (("nan", "nan is not between 0 and 36500"), ("a week", "'a week' is not a")):
        with pytest.raises(ValueError, match=f"^{PREVIOUS_KEY_DAYS}: {why}"):
            previous_days_of({PREVIOUS_KEY_DAYS: value})


@pytest.mark.parametrize("name", [SPREAD, SHORT_CLIENTS, TRACING])
def test_what_can_be_on_or_off_is_so_by_any_word_for_it(name: str) -> None:
    assert [is_on({name: word}, name, usual=False) for word in ("on", "1", " Yes ")] == [True] * 3
    assert [is_on({name: word}, name, usual=True) for word in ("off", "0", "false")] == [False] * 3
    assert [is_on({name: ""}, name, usual=usual) for usual in (True, False)] == [True, False]
    with pytest.raises(ValueError, match=f"^{name}: 'of' is none of 1, true, yes, on, 0, false"):
        is_on({name: "of"}, name, usual=True)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        (RETENTION_DAYS, "0", "0 is not between 0.001 and 36500"),
        (RETENTION_DAYS, "nan", "nan is not between 0.001 and 36500"),
        (RETENTION_DAYS, "a week", "'a week' is not a number"),
        (STREAM_MAX_BYTES, "-1", "-1 is not between 0 and 9007199254740992"),
        (STREAM_MAX_BYTES, "0.5", "'0.5' is not a number"),
        (RUN_MAX_STREAMS, "-1", "-1 is not between 0 and 9007199254740992"),
        (EPOCH, "10000", "10000 is not between 0 and 9999"),
        (INLINE_BYTES, "16385", "16385 is not between 0 and 16384"),
        (POLL_MS, "19", "19 is not between 20 and 1000"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named_wherever_it_was_given(
    variable: str, value: str, why: str
) -> None:
    for given, deployed in (({variable: value}, dict), ({}, lambda: {variable: value})):
        with pytest.raises(ValueError, match=f"^{variable}: {why}$"):
            limits_of(given, deployed=deployed)
