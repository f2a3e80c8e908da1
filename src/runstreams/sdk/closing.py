"""How things end: an exception as the status and the text that a stream is closed with."""

import asyncio

from ..core.limits import CLOSE_ERROR_BYTES
from ..core.model import Status
from .errors import SourceCut

CANCELED = (SourceCut, asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)
"""Ends that nobody would call a failure."""


INTERRUPTIONS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)
"""What ends a wait from outside."""


def status_after(error: BaseException | None) -> Status:
    """Return how a run, a writer or a source has ended that raised *error*, or none."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "completed"
    return "canceled" if isinstance(error, CANCELED) else "failed"


def reason_of(error: BaseException) -> str:
    """Return *error* as the text that a stream is closed with."""
    text = f"{type(error).__name__}: {said(error)}"
    return text.encode(errors="replace")[:CLOSE_ERROR_BYTES].decode(errors="ignore")


def said(error: BaseException) -> str:
    """Return what *error* says, even if saying it fails."""
    try:
        return str(error)
    except BaseException:
        return "<exception str() failed>"  # what Python's own tracebacks have there


def sayable(text: str | None) -> str | None:
    """Return *text* with a question mark for each half of a surrogate pair, which UTF-8 cannot
    say.
    """
    return None if text is None else text.encode(errors="replace").decode()
