"""How a command ends: its exit code, and the line that it says. docs/command-line.md has all."""

from typing import NamedTuple

from ..core.errors import (
    ChunkGap,
    Denied,
    InvalidRequest,
    LimitExceeded,
    NotThere,
    Refused,
    RunstreamsError,
    StreamFull,
)
from ..sdk.errors import StreamCanceled, StreamFailed, Unanswered
from ..serve.errors import CannotRun

DONE = 0
FAILED = 1
USAGE = 2
_EXTRA_MISSING = 3
UNANSWERED = 4
DENIED = 5
REFUSED = 6
NOT_THERE = 7
_STREAM_FAILED = 8
STREAM_CANCELED = 9
INTERRUPTED = 130
"""What shells say of a program that Ctrl-C has ended: 128 and the signal's number."""
PIPE_CLOSED = 141
"""The same, of one whose output nobody reads any more, as behind `| head`."""
TERMINATED = 143

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (ChunkGap, FAILED),
    (InvalidRequest, USAGE),
    (StreamFull, REFUSED),
    (LimitExceeded, USAGE),
    (Refused, REFUSED),
    (NotThere, NOT_THERE),
    (Denied, DENIED),
    (Unanswered, UNANSWERED),
    (StreamFailed, _STREAM_FAILED),
    (StreamCanceled, STREAM_CANCELED),
    (RunstreamsError, FAILED),
    (CannotRun, FAILED),
)
"""The first that fits counts."""

_EXTRAS = {
    "boto3": "aws",
    "botocore": "aws",
    "fastapi": "server",
    "httptools": "server",
    "jwt": "server",
    "pydantic": "server",
    "starlette": "server",
    "uvicorn": "server",
    "uvloop": "server",
}
"""The extra that brings a module."""


class Ended(NamedTuple):
    """The exit code, and what is said on stderr, in one line."""

    code: int
    message: str


def ended_by(error: Exception) -> Ended:
    """Return how a command ends that *error* has stopped. Raises *error* when it is our fault."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            name = f" ({error.code})" if isinstance(error, RunstreamsError) else ""
            return Ended(code, " ".join(f"{error}".split()) + name)
    raise error


def missing_extra(error: ModuleNotFoundError) -> Ended:
    """Return how a command ends that needs what is not installed. Raises *error* when that is in
    no extra.
    """
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRAS:
        raise error
    return Ended(
        _EXTRA_MISSING,
        f'this needs {module}, which is not installed: pip install "runstreams[{_EXTRAS[module]}]"',
    )
