"""What can go wrong beside the errors of the server, which are the same classes as in the server.

RunstreamsError
├── InvalidRequest
│   ├── NoRun                neither a run to write to is named nor are we in one
│   ├── InEventLoop          a sync call where an event loop runs, which it would hold up
│   ├── InvalidSource        what was given to pipe or merge cannot be iterated
│   └── InvalidSetting       a URL, key, duration or option is off
├── Unanswered               no answer that makes sense, also after trying again
│   ├── Unreachable          no connection, or it broke
│   └── Unexpected           an answer that is not this protocol's
├── EndedEarly               a reader has come to the end of a stream that was not completed
│   ├── StreamFailed
│   └── StreamCanceled
├── RolledBack               chunks that a reader gave no longer count; it can be read on
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
from dataclasses import dataclass, fields
from typing import Any, get_args

from ..core import errors as core
from ..core.errors import BodyPlace, InvalidRequest, RunstreamsError


class NoRun(InvalidRequest):
    """There is no run to write to: none is named, and none is current."""

    code = "no_run"


class InEventLoop(InvalidRequest, RuntimeError):
    """A sync call was made where an event loop runs: it would stand still meanwhile."""

    code = "in_event_loop"


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


@dataclass(eq=False, repr=False, kw_only=True)
class Unexpected(Unanswered):
    """The answer is not one of this protocol; *server_code* is the code that it has all the
    same, *location* where it leads to.
    """

    code = "unexpected"
    server_code: str | None = None
    location: str | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class EndedEarly(RunstreamsError):
    """The stream was closed, and not as completed: *error* is what its producer said, *next_index*
    its tail.
    """

    code = "ended_early"
    error: str | None
    next_index: int


class StreamFailed(EndedEarly):
    """The stream's producer failed."""

    code = "stream_failed"


class StreamCanceled(EndedEarly):
    """The stream's producer was stopped."""

    code = "stream_canceled"


@dataclass(eq=False, repr=False, kw_only=True)
class RolledBack(RunstreamsError):
    """Chunks that a reader gave of stream *key*, those from *index* on, no longer count: of its
    first so many items of that stream, only *kept* do. Iterated over again, it goes on.
    """

    code = "rolled_back"
    key: str
    index: int
    kept: int


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


@dataclass(eq=False, repr=False, kw_only=True)
class BufferFull(WriterError):
    """More is written than may wait to be sent: *size* bytes of *limit*. Await the writes, or
    `drain`.
    """

    code = "buffer_full"
    limit: int
    size: int


@dataclass(eq=False, repr=False, kw_only=True)
class NotSent(WriterError):
    """The time was up before everything was sent; *unsent* chunks were not acknowledged."""

    code = "not_sent"
    unsent: int


@dataclass(eq=False, repr=False, kw_only=True)
class PassedBy(WriterError):
    """`.stream` was left behind by more than is kept for it; *limit* in bytes."""

    code = "passed_by"
    limit: int


def _kinds(kind: type[RunstreamsError]) -> Iterator[type[RunstreamsError]]:
    yield kind
    for below in kind.__subclasses__():
        if getattr(core, below.__name__, None) is below:
            yield from _kinds(below)


_BY_CODE = {kind.code: kind for kind in reversed(list(_kinds(RunstreamsError)))}
"""The class of each code that a server sends."""


def error_of(status: int, body: bytes, retry_after: float | None = None) -> RunstreamsError:
    """Return the error that an answer tells of, whoever has written it.

    It is `Unexpected` unless it has a code of this protocol and what that code promises.
    """
    answered: dict[str, Any] = {"http_status": status}
    if retry_after is not None:
        answered["retry_after"] = max(0, math.ceil(retry_after))
    try:
        return _told(json.loads(body)["error"], answered)
    except (ValueError, KeyError, TypeError, RecursionError):
        shown = body[:200].decode(errors="replace")
        return Unexpected(f"the server answered {status}: {shown}", **answered)


def told_of(said: dict[str, Any]) -> RunstreamsError:
    """Return the error that stands in *said*, an answer that is about more than that."""
    try:
        return _told(said["error"], {})
    except (KeyError, TypeError):
        return Unexpected("an error is not of this protocol", http_status=502)


def _told(said: dict[str, Any], answered: dict[str, Any]) -> RunstreamsError:
    code, message = str(said["code"]), str(said["message"])
    try:
        kind = _BY_CODE[code]
        return kind(message, **_facts(kind, said) | answered)
    except (KeyError, TypeError):
        return Unexpected(message, **_facts(Unexpected, said) | answered | {"server_code": code})


def _facts(kind: type[RunstreamsError], said: dict[str, Any]) -> dict[str, Any]:
    """Return what is *said* that an error of this *kind* has, if it is of the right type."""
    known = [(each.name, each.type) for each in fields(kind) if each.name != "message"]
    found = {name: said.get(name) for name, type_ in known if _is(said.get(name), type_)}
    place = BodyPlace(
        *(value if _is(value := said.get(name), int) else None for name in BodyPlace._fields)
    )
    return found | ({"place": place} if any(name in said for name in BodyPlace._fields) else {})


def _is(value: object, type_: Any) -> bool:
    """Say whether *value* is of a type as it is declared: a class, a union or literals."""
    choices = get_args(type_)
    return value in choices or type(value) in (type_, *choices)
