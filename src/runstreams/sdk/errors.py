"""What can go wrong beside the errors of the server, which are the same classes as in the server.

RunstreamsError
├── InvalidRequest
│   ├── NoRun                neither a run to write to is named nor are we in one
│   ├── InvalidSource        what was given to pipe or merge cannot be iterated
│   └── InvalidSetting       a URL, key, duration or option is off
├── Unanswered               no answer that makes sense, also after trying again
│   ├── Unreachable          no connection, or it broke
│   └── Unexpected           an answer that is not this protocol's
├── EndedEarly               a reader has come to the end of a stream that was not completed
│   ├── StreamFailed
│   └── StreamCanceled
└── WriterError
    ├── WriterClosed         a write after the end
    ├── StopRequested        readers have asked the producer to stop
    ├── SourceCut            the event loop of an async source ended before the source
    ├── BufferFull           too much is written that could not be sent, and nobody waits
    ├── NotSent              given up before everything was sent
    └── PassedBy             `.stream` was read too late: what it should give was let go
"""

import json
import math
from collections.abc import Iterator

from ..core import errors as core
from ..core.errors import InvalidRequest, RunstreamsError


class NoRun(InvalidRequest):
    """There is no run to write to: none is named, and none is current."""

    code = "no_run"


class InvalidSource(InvalidRequest, TypeError):
    """What was given as a source is not an iterable of chunks."""

    code = "invalid_source"


class InvalidSetting(InvalidRequest, ValueError):
    """A setting of the client is missing or makes no sense."""

    code = "invalid_setting"


class Unanswered(RunstreamsError):
    """The server gave no answer that makes sense."""

    code = "unanswered"


class Unreachable(Unanswered):
    """There is no connection to the server, or it broke; `__cause__` says how."""

    code = "unreachable"


class Unexpected(Unanswered):
    """The answer is not one of this protocol; *http_status* is its status."""

    code = "unexpected"


class NoEventStream(RunstreamsError):
    """The server sends no event streams; it is polled instead."""

    code = "no_event_stream"


class EndedEarly(RunstreamsError):
    """The stream was closed, and not as completed; *next_index* is its tail."""

    code = "ended_early"


class StreamFailed(EndedEarly):
    """The stream's producer failed; *error* is what it said."""

    code = "stream_failed"


class StreamCanceled(EndedEarly):
    """The stream's producer was stopped."""

    code = "stream_canceled"


class WriterError(RunstreamsError):
    """A pipe or writer cannot do what it is asked."""

    code = "writer_error"


class WriterClosed(WriterError):
    """The writer has ended and takes no more chunks."""

    code = "writer_closed"


class StopRequested(WriterError):
    """Somebody has asked the producers of this stream to stop."""

    code = "stop_requested"


class SourceCut(WriterError):
    """An async source was cancelled from outside, as when its event loop ends."""

    code = "source_cut"


class BufferFull(WriterError):
    """More is written than may wait to be sent; *limit* in bytes. Await the writes, or `drain`."""

    code = "buffer_full"


class NotSent(WriterError):
    """The time was up before everything was sent; *unsent* chunks were not acknowledged."""

    code = "not_sent"


class PassedBy(WriterError):
    """`.stream` was left behind by more than is kept for it; *limit* in bytes."""

    code = "passed_by"


def _kinds(kind: type[RunstreamsError]) -> Iterator[type[RunstreamsError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == core.__name__:
            yield from _kinds(below)


BY_CODE = {kind.code: kind for kind in reversed(list(_kinds(RunstreamsError)))} | {
    NoEventStream.code: NoEventStream
}
"""The class of each code that a server sends."""


def error_of(status: int, body: bytes, retry_after: float | None = None) -> RunstreamsError:
    """Return the error that an answer tells of, with its facts and its *http_status*."""
    facts: dict[str, str | int | None]
    try:
        said = json.loads(body)["error"]
        code, message = str(said["code"]), str(said["message"])
        facts = {name: said[name] for name in said if name not in ("code", "message")}
    except (ValueError, KeyError, TypeError):
        code, message = "", f"the server answered {status}: {body[:200].decode(errors='replace')}"
        facts = {}
    facts["http_status"] = status
    if retry_after is not None:
        facts["retry_after"] = max(0, math.ceil(retry_after))
    kind = BY_CODE.get(code, Unexpected)
    if kind is Unexpected and code:
        facts["server_code"] = code
    return kind(message, **facts)
