"""What a client promises: to be heard of in time, so that its death is noticed.

The promise is a lease on a stream, which docs/protocol.md describes. Whoever holds one says so with
its first request, and in silence again and again.
"""

import math
from collections.abc import Mapping
from typing import Final, Literal

from ..core.limits import LEASE_SECONDS_MAX
from .errors import InvalidSetting

LEASE_SECONDS = "RUNSTREAMS_LEASE_SECONDS"

_LEASE_DEFAULT = 60
"""Seconds that a client promises unless told otherwise."""

_RENEWALS = 3
"""So often a promise is made again in silence before it would be over."""

_FIRST_SECONDS = 1.0
"""How long the first promise waits for a chunk that it can travel with."""

UNLEASED: Final = "unleased"
"""Stands for a silence that counts only while nobody has promised to be heard of."""

Silence = float | Literal["unleased"] | None
"""How many seconds without a chunk end a read; None: no number does."""

SILENCE_SECONDS = 60.0
"""How long the silence of a stream that nobody leases is waited for."""


def silence_of(timeout: Silence) -> float:
    """Return the seconds of silence that end a read."""
    if isinstance(timeout, str):
        return SILENCE_SECONDS
    return math.inf if timeout is None else timeout


AGAIN_SECONDS = 5.0
"""Longest time until a promise that did not get through is made again."""


def check_lease(seconds: object, name: str = "lease") -> int:
    """Return *seconds* that may be promised; 0 promises nothing. Raises `InvalidSetting`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise InvalidSetting(f"{name} must be a whole number of seconds, not {seconds!r}")
    if not 0 <= seconds <= LEASE_SECONDS_MAX:
        raise InvalidSetting(f"{name} must be 0 (none) to {LEASE_SECONDS_MAX}, not {seconds}")
    return seconds


def lease_of(given: int | None, environ: Mapping[str, str]) -> int:
    """Return the seconds that a client promises. Raises `InvalidSetting`."""
    if given is not None:
        return check_lease(given)
    if not (text := environ.get(LEASE_SECONDS, "").strip()):
        return _LEASE_DEFAULT
    return check_lease(int(text) if text.isdecimal() else text, LEASE_SECONDS)


def period(seconds: int) -> float:
    """Return how often a promise of *seconds* is made in silence."""
    return seconds / _RENEWALS


class Promise:
    """What one client of a stream says of when it will be heard of next, and when it must."""

    def __init__(self, seconds: int, is_made: bool = False) -> None:
        """Promise *seconds*; 0 promises nothing. It may be that this *is_made* already."""
        self.due = math.inf
        """When it must be heard of, by the engine's clock."""
        self.is_made = is_made and bool(seconds)
        """Whether the server may know of it."""
        self._seconds = seconds
        self._is_known = False

    def begin(self, now: float) -> None:
        """Begin to wait for what there will be to send."""
        if self._seconds:
            self.due = now + min(_FIRST_SECONDS, period(self._seconds))

    def with_chunks(self, is_last: bool) -> int | None:
        """Return what is said with chunks, in seconds: 0 lets go behind the last ones; None says
        nothing, since any append keeps a promise that is known.
        """
        if is_last:
            return 0 if self.is_made else None
        return None if self._is_known else self.alone()

    def alone(self) -> int | None:
        """Return what is said in silence, in seconds."""
        self.is_made = bool(self._seconds)
        return self._seconds or None

    def heard(self, now: float, said: int | None, leased_until: int | None) -> None:
        """Take in an answer to what was sent *now* and *said*, and whether a promise holds."""
        self._is_known = leased_until is not None
        self.is_made = self._is_known and said != 0
        if self._seconds:
            self.due = now + period(self._seconds)

    def unheard(self, now: float) -> None:
        """Take in that a promise did not get through: it is made again soon."""
        self.due = now + min(AGAIN_SECONDS, period(self._seconds))
