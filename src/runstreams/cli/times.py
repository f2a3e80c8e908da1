"""Times as people write them."""

from datetime import UTC, datetime


def moment(time: int) -> str:
    """Return a time in milliseconds since 1970 as people write it."""
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
