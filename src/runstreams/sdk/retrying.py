"""Trying again: whether, after how long, and how often."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import RunstreamsError, StoreError, TooManyStreams
from ..core.public import public
from .errors import Unreachable
from .explaining import Doing

logger = logging.getLogger("runstreams")

PASSING = (408, 425, 429)
"""Statuses below 500 that say: later."""

NOT_IMPLEMENTED = 501
"""What says of a method that it is not known there, as a server of files does: it stays so."""

_RETRY_AFTER_MAX = 60.0
"""Longest pause that a server is obeyed in, in seconds."""


@public
@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is. The defaults outlast about five minutes without a server."""

    attempts: int = 64
    """Failures in a row after which it gives up; any progress begins the count anew."""
    first: float = 0.1
    """Seconds before the second attempt; they double, and up to half of them is left to chance."""
    longest: float = 5.0
    """Longest pause, in seconds, unless the server asks for more."""
    total: int = 10_000
    """Failures of one pipe or read after which it gives up, progress or not."""


def is_passing(error: RunstreamsError) -> bool:
    """Say whether the same request may succeed later."""
    if isinstance(error, Unreachable):
        return True
    if isinstance(error, TooManyStreams):
        return False  # there may be room in days
    if error.http_status is None:
        return isinstance(error, StoreError)
    if error.http_status == NOT_IMPLEMENTED:
        return False
    return error.http_status >= 500 or error.http_status in PASSING


def pause(retries: Retries, failures: int, chance: float, asked: float | None = None) -> float:
    """Return the seconds to wait after so many *failures* in a row; *chance* is from 0 to 1,
    *asked* what the server asked for.
    """
    grown = min(retries.first * 2.0 ** min(failures - 1, 60), retries.longest)
    return max(grown * (1 - chance / 2), min(asked or 0.0, _RETRY_AFTER_MAX))


class Patience:
    """The failures of one pipe, read or call so far."""

    def __init__(
        self, retries: Retries, chance: Callable[[], float], doing: Doing | None = None
    ) -> None:
        self.doing = doing or Doing()
        self._retries = retries
        self._chance = chance
        self.failures = 0
        self.trouble: RunstreamsError | None = None
        """The last failure, unless there was progress since."""
        self._total = 0

    def progress(self) -> None:
        """Begin the count anew."""
        self.failures = 0
        self.trouble = None

    def after(self, error: RunstreamsError) -> float:
        """Return the seconds to wait after *error*. Raises what tells of it, and of where it
        happened, when it will not pass, or when patience has run out.
        """
        self.failures += 1
        self.trouble = error
        self._total += 1
        may_pass = is_passing(error)
        if not may_pass or self._is_at_its_end:
            told = self.trouble = self.doing.told(error)
            if may_pass:
                told.add_note(f"given up after {self.failures} attempts without progress")
            raise told from told.__cause__
        seconds = pause(self._retries, self.failures, self._chance(), error.retry_after)
        logger.info("trying again in %.1f s: %s", seconds, error)
        return seconds

    @property
    def _is_at_its_end(self) -> bool:
        return self.failures >= self._retries.attempts or self._total >= self._retries.total
