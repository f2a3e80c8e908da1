"""The invocation that a function's process is busy with."""

import math
import time

MARGIN_SECONDS = 2.0
"""What a reader leaves of its time: a poll to read a page and hand it over, an event stream to be
told to come back, between two events; and what is left of the function's when we stop waiting for
the gateway to cut it.
"""


class Invocation:
    """How long it may take; there is never more than one."""

    deadline = math.inf
    """In seconds since 1970; infinite for what the adapter asks of its own, to see us ready."""

    def seconds_left(self) -> float:
        """Return the function's time that is left."""
        return self.deadline - time.time()

    def milliseconds_left(self) -> int:
        """Return the function's time that is left, as sealing asks for it."""
        return int(min(self.seconds_left(), 3600) * 1000)
