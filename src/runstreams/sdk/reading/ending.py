"""What a reader makes of how a stream has ended."""

from ...core.errors import RunstreamsError
from ...core.model import Closed, StreamId
from ..errors import StreamCanceled, StreamFailed


def ending_of(stream: StreamId, closed: Closed, next_index: int) -> RunstreamsError | None:
    """Return the error that tells of an end that is no completion, before *next_index*."""
    name = f"{stream.run}/{stream.key}"
    if closed.status == "failed":
        reason = closed.error or "no reason given"
        return StreamFailed(f"{name} failed: {reason}", error=closed.error, next_index=next_index)
    if closed.status == "canceled":
        return StreamCanceled(f"{name} was canceled", error=closed.error, next_index=next_index)
    return None
