"""What whoever runs streams may set in more places than one, and what makes sense there.

However it is given, by flags, parameters, the environment or the tags of a bucket: it goes by the
name of its variable.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .limits import DAY_MS, KIB, POLL_LAST_SECONDS, Limits

N = TypeVar("N", int, float)

Given = Mapping[str, Any]

RETENTION_DAYS = "RUNSTREAMS_RETENTION_DAYS"
STREAM_MAX_BYTES = "RUNSTREAMS_STREAM_MAX_BYTES"
RUN_MAX_STREAMS = "RUNSTREAMS_RUN_MAX_STREAMS"
EPOCH = "RUNSTREAMS_EPOCH"
INLINE_BYTES = "RUNSTREAMS_INLINE_BYTES"
POLL_MS = "RUNSTREAMS_POLL_MS"
LINGER_MS = "RUNSTREAMS_LINGER_MS"
PREVIOUS_KEY_DAYS = "RUNSTREAMS_PREVIOUS_KEY_DAYS"

SECRET_KEY = "RUNSTREAMS_SECRET_KEY"
SECRET_ARN = "RUNSTREAMS_SECRET_ARN"
BUCKET = "RUNSTREAMS_BUCKET"
TABLE = "RUNSTREAMS_TABLE"

SPREAD = "RUNSTREAMS_SPREAD"
SHORT_CLIENTS = "RUNSTREAMS_SHORT_CLIENTS"
TRACING = "RUNSTREAMS_TRACING"

AWS_LINGER_MS = 250
"""For how long writers to S3 and DynamoDB gather chunks: each append there is paid for."""

PREVIOUS_DAYS = 30
"""How long the key before the current one is accepted: no token of the published SDKs lives
longer.
"""

_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def between(convert: Callable[[Any], N], least: N, most: N) -> Callable[[Any], N]:
    """Return what makes a number of a setting. It raises `ValueError` for one that makes none, or
    is out of bounds.
    """

    def number(given: Any) -> N:
        try:
            value = convert(given)
        except ValueError:
            raise ValueError(f"{given!r} is not a number") from None
        if not least <= value <= most:
            raise ValueError(f"{given} is not between {least} and {most}")
        return value

    return number


LIMITS: Mapping[str, Callable[[Any], float]] = {
    RETENTION_DAYS: between(float, 0.001, 36_500),
    STREAM_MAX_BYTES: between(int, 0, 2**53),
    RUN_MAX_STREAMS: between(int, 0, 2**53),
    EPOCH: between(int, 0, 9_999),
    INLINE_BYTES: between(int, 0, 16 * KIB),
    POLL_MS: between(int, 20, round(POLL_LAST_SECONDS * 1000)),
}
"""What makes numbers of the limits."""

_NUMBERS = {
    **LIMITS,
    LINGER_MS: between(int, 0, 10_000),
    PREVIOUS_KEY_DAYS: between(float, 0, 36_500),
}


def limits_of(*given: Given, deployed: Callable[[], Given] = dict) -> Limits:
    """Return the limits as they are *given*, in the first place that has them; else as *deployed*
    tells, which is only asked then; else the usual ones. Raises `ValueError`.
    """
    said, usual = _said(*given), Limits()
    if len(said) < len(LIMITS):
        said = _said(*given, deployed())
    days = _number(said, RETENTION_DAYS, usual.retention_ms / DAY_MS)
    return Limits(
        round(days * DAY_MS),
        int(_number(said, STREAM_MAX_BYTES, usual.stream_bytes)),
        int(_number(said, RUN_MAX_STREAMS, usual.run_streams)),
        int(_number(said, EPOCH, usual.epoch)),
        int(_number(said, INLINE_BYTES, usual.inline_bytes)),
        int(_number(said, POLL_MS, usual.poll_ms)),
    )


def linger_of(given: Given) -> int | None:
    """Return for how many milliseconds writers to S3 and DynamoDB are advised to gather chunks, as
    *given*; None for 0. Raises `ValueError`.
    """
    return int(_number(given, LINGER_MS, AWS_LINGER_MS)) or None


def previous_days_of(given: Given) -> float:
    """Return for how many days the key before the current one is accepted, as *given*. Raises
    `ValueError`.
    """
    return _number(given, PREVIOUS_KEY_DAYS, PREVIOUS_DAYS)


def switch(text: str) -> bool:
    """Return whether *text* means on. Raises `ValueError` where it means neither on nor off."""
    return one_of(*_ON, *_OFF)(text) in _ON


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what makes one of *choices* of a setting, in any case. It raises `ValueError` for what
    is none of them.
    """

    def choice(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text.lower()

    return choice


def is_on(given: Given, name: str, *, usual: bool) -> bool:
    """Return whether what is called *name* is on, as *given*, or as usual. Raises `ValueError`."""
    if not (text := (given.get(name) or "").strip()):
        return usual
    try:
        return switch(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _said(*places: Given) -> Given:
    """Return what is said of each limit where that is first said; what is empty says nothing."""
    return {
        name: place[name]
        for place in reversed(places)
        for name in LIMITS
        if place.get(name) not in (None, "")
    }


def _number(given: Given, name: str, usual: float) -> float:
    said = given.get(name)
    try:
        return usual if said in (None, "") else _NUMBERS[name](said)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
