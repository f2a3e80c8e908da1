"""The trace that a request is part of, as W3C's `traceparent` says it.

It comes along with the task that does what is asked, as tracing has it everywhere: what is done
needs no other word for it. A stream keeps that of who opened it, for its readers to link to.
"""

import re
from contextvars import ContextVar

asking: ContextVar[str] = ContextVar("asking", default="")
"""The trace of who asks, as it was said; nothing where nobody traces."""

_KEPT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]")
"""What is said of a trace that is sampled: of another one nothing would be found."""


def kept(traceparent: str) -> str | None:
    """Return what was said, if it is worth keeping."""
    return traceparent if _KEPT.fullmatch(traceparent) else None
