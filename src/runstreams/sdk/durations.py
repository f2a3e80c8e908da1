"""Durations as people write them."""

import re

from .errors import InvalidSetting

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def seconds_of(duration: float | str) -> float:
    """Return *duration* in seconds: a number of them, or text like `"90s"`, `"15m"`, `"1h"`,
    `"7d"`. Raises `InvalidSetting`.
    """
    if isinstance(duration, str):
        found = _FORM.fullmatch(duration.strip())
        if found is None:
            raise InvalidSetting(f"{duration!r} is not a duration like '90s', '15m', '1h' or '7d'")
        duration = float(found[1]) * UNITS[found[2]]
    if not 0 < duration < float("inf"):
        raise InvalidSetting(f"a duration must be positive, not {duration}")
    return duration
