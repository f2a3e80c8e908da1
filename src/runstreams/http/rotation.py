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

    def __init__(
        self, current: str, previous: str | None, since: int, previous_days: float
    ) -> None:
        """Accept *previous*, if there is one, for so many days *since* then, in milliseconds.

        Raises `ValueError` for a key that is empty.
        """
        self._current = Keys([current])
        self._both = Keys([current, previous]) if previous else self._current
        self._until = since + previous_days * DAY_MS

    def at(self, now: int) -> Keys:
        """Return the keys that are accepted at *now*, in milliseconds."""
        return self._both if now < self._until else self._current
