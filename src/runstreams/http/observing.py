"""What a host may see of the API at work, so as to measure it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from starlette.types import Scope

Waits = Literal["poll", "events"]
"""How a reader waits: for one answer, or at an event stream."""

_UNSEEN = nullcontext()


class RequestObserver:
    """Told of requests and their answers; this one makes nothing of it."""

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Take note that an answer begins after *seconds*; with *status* 0, that none ever did."""

    def sent(self, size: int) -> None:
        """Take note of *size* bytes of an answer's body."""

    def refused(self, code: str) -> None:
        """Take note of an error that ends a request."""

    def waiting(self, how: Waits) -> AbstractContextManager[object]:
        """Return a context for a reader's wait."""
        return _UNSEEN
