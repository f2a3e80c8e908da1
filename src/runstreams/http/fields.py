"""Numbers in queries and headers, whatever somebody writes there."""

import re
from urllib.parse import parse_qsl

from ..core.errors import InvalidIndex, InvalidRequest

MOST = 2**53 - 1
"""Largest index: every JSON parser reads it exactly, and every store holds it."""

_WHOLE = re.compile(r"[0-9]{1,16}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def whole(name: str, text: str, least: int = 0) -> int:
    """Return *text* as a whole number from *least* on. Raises `InvalidIndex`."""
    if _WHOLE.fullmatch(text) and least <= int(text) <= MOST:
        return int(text)
    raise InvalidIndex(f"{name} must be a whole number from {least} to {MOST}")


def seconds(name: str, text: str) -> float:
    """Return *text* as a number of seconds. Raises `InvalidIndex`."""
    if _SECONDS.fullmatch(text):
        return float(text)
    raise InvalidIndex(f"{name} must be a number of seconds, 0 or more")


def query(raw: bytes) -> dict[str, str]:
    """Return the query's fields. Raises `InvalidRequest` when one is given twice."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise InvalidRequest("the query has too many fields") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InvalidRequest("the query gives a field twice")
    return fields
