"""What a writer says, by headers, of those before it: how often its stream had been taken over when
it began, and which of their chunks no longer count.
"""

from .call import Asked
from .fields import whole


def fence_of(asked: Asked) -> int | None:
    """Return the fence that a request names; None when it names none. Raises `InvalidIndex`."""
    return _number(asked, "X-Stream-Fence")


def supersedes_of(asked: Asked) -> int | None:
    """Return from which index on the chunks before the body's no longer count; None: all do. Raises
    `InvalidIndex`.
    """
    return _number(asked, "X-Stream-Supersedes")


def _number(asked: Asked, name: str) -> int | None:
    text = asked.header(name.lower().encode())
    return None if text is None else whole(name, text.strip())
