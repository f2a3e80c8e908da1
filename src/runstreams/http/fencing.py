"""How a writer says, by a header, how often its stream had been taken over when it began."""

from .call import Asked
from .fields import whole


def fence_of(asked: Asked) -> int | None:
    """Return the fence that a request names; None when it names none. Raises `InvalidIndex`."""
    text = asked.header(b"x-stream-fence")
    return None if text is None else whole("X-Stream-Fence", text.strip())
