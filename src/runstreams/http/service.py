"""What the HTTP API serves, and what the place where it runs allows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import Receive

from ..core.limits import WAIT_SECONDS_MAX
from ..core.log import Log
from .access import Keys
from .live.readers import Readers
from .observing import RequestObserver
from .origin import Origin


class Stop(asyncio.Event):
    """Set when the process is about to stop: whoever waits then is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupts: set[Callable[[], None]] = set()

    def set(self) -> None:
        super().set()
        for interrupt in list(self.interrupts):
            interrupt()


@dataclass(frozen=True, slots=True)
class Host:
    """What the place where the API runs allows. The defaults are a server of our own."""

    wait_seconds_max: float = WAIT_SECONDS_MAX
    """Longest wait of a long poll."""
    body_bytes: int | None = None
    """Largest body of an ingest, which then comes whole and is one batch; None: streamed, and as
    long as it likes.
    """
    sse: bool = True
    """Whether an answer can be sent bit by bit."""
    disconnects: bool = True
    """Whether `receive` tells when the client has gone; through Mangum it never does."""
    left_over: Callable[[Receive], bytes] = lambda _: b""
    """Returns what arrived of a body that broke off, and was not received any more: whole lines are
    worth keeping, and ASGI has no place for them.
    """
    stopping: Stop | None = None
    time_left: Callable[[], float] | None = None
    """Seconds that a request may still spend waiting, what it needs to answer left out; None: as
    long as it likes.
    """
    linger_ms: int | None = None
    """For how long writers are advised to gather chunks, in milliseconds; None: as they like."""
    streaming_url: str | None = None
    """Where event streams are served instead, if not here."""
    anonymous: bool = False
    """Whether the open protocol is spoken to whoever has no key."""
    readers: Readers = field(default_factory=Readers)
    """Those who wait, where their number is limited."""
    origin: Origin = field(default_factory=Origin)
    """Which caches in front are trusted to have checked a token."""
    observer: RequestObserver = field(default_factory=RequestObserver)
    """Who is told of requests and their answers."""


@dataclass(frozen=True, slots=True)
class Service:
    """Everything the routes need."""

    log: Log
    keys: Keys
    host: Host = field(default_factory=Host)
    allowed_origins: tuple[str, ...] = ("*",)
    """Web origins whose pages may call; `*` means all."""
