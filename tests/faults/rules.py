"""What goes wrong, and with which requests."""

import random
import re
from dataclasses import dataclass, field
from typing import Literal

Then = Literal["reset", "close", "stall"]
"""How a connection breaks: by a reset, by an end that comes too early, or into silence."""

STATUSES = (429, 500, 502, 503, 504)
"""What clients should send again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request. Bytes are those of the body, as they are on the wire."""

    delay: float = 0
    """Seconds for which the request is held back."""
    status: int | None = None
    """Answer with this status; the server never sees the request."""
    retry_after: float | None = None
    """The Retry-After that goes with it, in seconds."""
    request_bytes: int | None = None
    """Break the connection when so much of the request has been passed on; 0: not even its head."""
    response_bytes: int | None = None
    """Break the connection when the answer's head and so much of its body has been passed on."""
    lose_answer: bool = False
    """Break the connection when the answer comes, and pass nothing of it on."""
    then: Then = "reset"
    """How the connection breaks."""


@dataclass(slots=True)
class Rule:
    """Which requests a fault is for."""

    fault: Fault
    method: str | None = None
    path: str = ""
    """A regular expression that is searched for in the path with its query."""
    skip: int = 0
    """Requests that are let through first."""
    times: int | None = 1
    """Requests that the fault is for; None: all."""

    def takes(self, method: str, path: str) -> bool:
        """Say whether the fault is for this request, which is counted."""
        if self.method not in (None, method) or not re.search(self.path, path) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Chaos:
    """Draws faults at random: the same ones again with the same seed."""

    def __init__(self, seed: int, share: float = 0.3, most_bytes: int = 4096) -> None:
        """Let *share* of the requests fail, in the first *most_bytes* of a body."""
        self._random = random.Random(seed)
        self._share = share
        self._most = most_bytes

    def draw(self) -> Fault | None:
        """Return the next request's fault, if it has one."""
        if self._random.random() >= self._share:
            return None
        where = self._random.randrange(self._most)
        return self._random.choice(
            [
                Fault(request_bytes=where),
                Fault(response_bytes=where),
                Fault(response_bytes=where, then="close"),
                Fault(lose_answer=True),
                Fault(status=self._random.choice(STATUSES)),
                Fault(delay=self._random.random() / 10),
            ]
        )


@dataclass(slots=True)
class Seen:
    """A request that came by."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    status: int | None = None
    """The answer's, once it has begun."""
    fault: Fault | None = None
