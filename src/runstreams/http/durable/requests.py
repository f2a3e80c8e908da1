"""What a request of the open protocol says, in our words."""

import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import unquote

from ...core.entries import Entry
from ...core.errors import InvalidIndex, InvalidRequest, NotThere
from ...core.forking import Wish
from ...core.json_lines import flattened
from ...core.limits import PRODUCER_ID_BYTES
from ...core.model import JSON_TYPE, Charter, StreamId, Turn, kind_of
from ...core.octets import stuffed
from ..call import Call
from ..fields import MOST, query
from .names import stream_of

_OCTETS = "application/octet-stream"
"""The content type of a stream that was created without one."""

PATH = "/v1/stream/"
"""Where the paths of streams begin."""

NOW: Literal["now"] = "now"

Live = Literal["long-poll", "sse"]

_OFFSET = re.compile(r"(\d{16})_\d{16}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Wanted(NamedTuple):
    """What a read asks for."""

    start: int | Literal["now"]
    live: Live | None
    cursor: int | None


def asked_read(call: Call) -> Wanted:
    """Return what a read asks for. Raises `InvalidRequest`, `InvalidIndex`."""
    fields = query(call.scope["query_string"])
    offset, live, cursor = fields.get("offset"), fields.get("live"), fields.get("cursor")
    if live is not None and offset is None:
        raise InvalidRequest("a live read needs an offset")
    if live not in (None, "long-poll", "sse"):
        raise InvalidRequest("live must be long-poll or sse")
    known = int(cursor) if cursor is not None and _WHOLE.fullmatch(cursor) else None
    return Wanted(_index(offset), live, known)  # type: ignore[arg-type]


def _index(offset: str | None) -> int | Literal["now"]:
    if offset is None or offset == "-1":
        return 0
    if offset == NOW:
        return NOW
    if (found := _OFFSET.fullmatch(offset)) is None:
        raise InvalidIndex("the offset is none that was given out here")
    return int(found[1])


def charter_of(call: Call) -> Charter:
    """Return what a creation agrees on. Raises `InvalidRequest`."""
    ttl, moment = call.header(b"stream-ttl"), call.header(b"stream-expires-at")
    if ttl is not None and moment is not None:
        raise InvalidRequest("a stream has a Stream-TTL or a Stream-Expires-At, not both")
    charter = Charter(
        call.header(b"content-type") or _OCTETS,
        None if ttl is None else 1000 * _whole("Stream-TTL", ttl),
        None if moment is None else _moment(moment),
    )
    ends = charter.ends_at(now := call.service.log.clock())
    if ends is not None and ends <= now:
        raise InvalidRequest("a stream that is over at once cannot be created")
    return charter


def wish_of(call: Call) -> Wish | None:
    """Return which fork a creation asks for; None: none. Raises `InvalidRequest`, `NotThere`."""
    offset, beyond = call.header(b"stream-fork-offset"), call.header(b"stream-fork-sub-offset")
    source = call.header(b"stream-forked-from")
    if source is None:
        if offset is not None or beyond is not None:
            raise InvalidRequest("a fork needs a Stream-Forked-From")
        return None
    charter = charter_of(call)
    return Wish(
        _source(source),
        None if offset is None else _anchor(offset),
        0 if beyond is None else _whole("Stream-Fork-Sub-Offset", beyond),
        call.header(b"content-type"),
        charter.ttl_ms,
        charter.expires_at,
    )


def _source(path: str) -> StreamId:
    """Return the stream of a *path* on this server."""
    _, found, name = path.partition(PATH)
    if not found or not name or "%2f" in name.lower():
        raise NotThere("there is no such stream to fork from")
    return stream_of(unquote(name))


def _anchor(offset: str) -> int:
    if offset == "-1":
        return 0
    if (found := _OFFSET.fullmatch(offset)) is None:
        raise InvalidIndex("the offset is none that was given out here")
    return int(found[1])


def closes(call: Call) -> bool:
    """Say whether the request closes the stream, or wants it closed."""
    return (call.header(b"stream-closed") or "").lower() == "true"


def entry_of(call: Call, body: bytes, content_type: str) -> Entry:
    """Return what an append or a creation writes. Raises `InvalidRequest`, `InvalidChunk`,
    `ChunkTooLarge`.
    """
    chunks: list[bytes] = []
    if body:
        chunks = flattened(body) if kind_of(content_type) == JSON_TYPE else stuffed(body)
    return Entry(
        b"".join(chunk + b"\n" for chunk in chunks),
        len(chunks),
        content_type if body else None,
        closes(call),
        _order(call),
        _turn(call),
    )


def _order(call: Call) -> str | None:
    order = call.header(b"stream-seq")
    if order is not None and not 0 < len(order) <= PRODUCER_ID_BYTES:
        raise InvalidRequest(f"Stream-Seq has 1 to {PRODUCER_ID_BYTES} bytes")
    return order


def _turn(call: Call) -> Turn | None:
    names = (b"producer-id", b"producer-epoch", b"producer-seq")
    producer, epoch, number = (call.header(name) for name in names)
    if producer is None and epoch is None and number is None:
        return None
    if not producer or epoch is None or number is None:
        raise InvalidRequest("Producer-Id, Producer-Epoch and Producer-Seq go together")
    if len(producer) > PRODUCER_ID_BYTES:
        raise InvalidRequest(f"a Producer-Id has at most {PRODUCER_ID_BYTES} bytes")
    return Turn(producer, _whole("Producer-Epoch", epoch), _whole("Producer-Seq", number))


def _whole(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > MOST:
        raise InvalidRequest(f"{name} must be a whole number up to {MOST}")
    return int(text)


def _moment(text: str) -> int:
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        raise InvalidRequest("Stream-Expires-At must be a moment as of RFC 3339") from None
    return int(found.astimezone(UTC).timestamp() * 1000)
