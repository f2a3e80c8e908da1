"""The keys while one follows another: the new one is accepted at once, and the one before it for as
long as a token that it signed may live.
"""

from ..core.limits import DAY_MS
from .access import Keys

FRESH_MS = 10_000
"""An unknown key may be newer than the ones that are known, so they are looked up again; not more
often than this, since anybody can send an unknown key.
"""


class Rotation:
    """The current key, and for a while the one before it."""

    def __init__(self, previous_days: float) -> None:
        """Accept the previous key for so many days since it was replaced."""
        self._previous_days = previous_days
        self._versions: tuple[str, str | None, int] | None = None

    def adopt(self, versions: tuple[str, str | None, int]) -> None:
        """Accept these: the current key, the previous one if there is one, and since when that is
        so, in milliseconds. Raises `ValueError` for a key that is empty.
        """
        # Equal keys stay, and with them the tokens that they have verified.
        if versions != self._versions:
            current, previous, since = versions
            alone = Keys([current])
            both = Keys([current, previous]) if previous else alone
            self._current, self._both, self._versions = alone, both, versions
            self._until = since + self._previous_days * DAY_MS

    def at(self, now: int) -> Keys:
        """Return the keys that are accepted at *now*, in milliseconds."""
        return self._both if now < self._until else self._current
