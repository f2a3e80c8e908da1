"""What the requests that read have in common: how long they wait, and how they are answered."""

from typing import NamedTuple

from ...core.errors import NoEventStream
from ...core.limits import PAGE_CHUNKS, PAGE_CHUNKS_DEFAULT, WAIT_SECONDS
from ...core.model import TAIL, Start
from ..call import Call
from ..fields import query, seconds, whole

NO_STORE = (b"cache-control", b"no-store, no-transform")


class LongPoll(NamedTuple):
    """What a long poll asks for."""

    start: Start | None
    wait: float
    limit: int


def wants_events(call: Call) -> bool:
    """Say whether an event stream is asked for."""
    return b"text/event-stream" in call.headers.get(b"accept", b"").lower()


def asked_page(call: Call) -> LongPoll:
    """Return what the query asks for. Raises `InvalidRequest`, `InvalidIndex`."""
    fields = query(call.scope["query_string"])
    start, wait, limit = fields.get("start"), fields.get("wait"), fields.get("limit")
    return LongPoll(
        start if start is None or start == TAIL else whole("start", start),
        WAIT_SECONDS if wait is None else seconds("wait", wait),
        PAGE_CHUNKS_DEFAULT if limit is None else min(whole("limit", limit, 1), PAGE_CHUNKS),
    )


def check_event_stream(call: Call) -> None:
    """Raise `NoEventStream` where answers cannot be sent bit by bit."""
    if not call.host.sse:
        raise NoEventStream(
            "Event streams are not served here; ask for application/json",
            url=call.host.streaming_url,
        )


def longest_wait(call: Call, wait: float) -> float:
    """Return the seconds that may be waited of those asked for."""
    return min(wait, call.host.wait_seconds_max, call.time_left())
