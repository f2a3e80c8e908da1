"""What answers of the open protocol say in their headers."""

from datetime import UTC, datetime
from random import randint

from ...core import errors
from ...core.entries import EpochOver, TurnMissing, content_type_of
from ...core.errors import RunstreamsError
from ...core.model import JSON_TYPE, Head, Page, Turn, kind_of
from ...core.octets import unstuffed
from ..errors import Headers

SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
"""What keeps a browser from taking an answer for something else, or from keeping it to itself."""

CACHED = (b"cache-control", b"private, max-age=60, stale-while-revalidate=300")
"""What was read stays true; but who may read it is ours to say, not a shared cache's."""

CLOSED = (b"stream-closed", b"true")
_UP_TO_DATE = (b"stream-up-to-date", b"true")

_CURSOR_EPOCH = 1_728_432_000
"""When the counting of cursors began: 9 October 2024."""

_CURSOR_SECONDS = 20
"""How long a cursor is the current one."""

JITTER = 180
"""By how much a cursor may leap ahead of one that is too new, so that readers part: an hour."""


def offset(index: int) -> bytes:
    """Return the offset of a chunk."""
    return b"%016d_%016d" % (index, 0)


def next_offset(index: int) -> tuple[bytes, bytes]:
    """Return the header that says where to go on."""
    return b"stream-next-offset", offset(index)


def cursor(now: int, known: int | None) -> int:
    """Return the current cursor at *now*, in ms, or a later one than the reader has."""
    current = (now // 1000 - _CURSOR_EPOCH) // _CURSOR_SECONDS
    if known is None or known < current:
        return current
    return known + randint(1, JITTER)


def body_of(head: Head, page: Page) -> bytes:
    """Return what a page holds: an array of JSON values, or bytes."""
    data = [chunk.data for chunk in page.chunks]
    if head.is_json:
        return b"[%b]" % b",".join(data)
    return unstuffed(data)


def etag(page: Page, index: int) -> bytes:
    """Return what names a page from *index* on, and whether the stream ends with it."""
    end = b":c" if page.closed is not None else b""
    return b'"%b:%d:%d%b"' % (page.generation.encode(), index, page.next_index, end)


def state(page: Page) -> Headers:
    """Return what a page says of where it stands."""
    told: Headers = [next_offset(page.next_index)]
    if page.next_index == page.tail:
        told.append(_UP_TO_DATE)
    if page.closed is not None:
        told.append(CLOSED)
    return told


def content_type(head: Head) -> tuple[bytes, bytes]:
    """Return the header that says what the stream is made of."""
    return b"content-type", content_type_of(head).encode("latin-1")


def is_text(head: Head) -> bool:
    """Say whether the stream's bytes can be sent as lines of text."""
    kind = kind_of(content_type_of(head))
    return kind.startswith("text/") or kind == JSON_TYPE


def description(head: Head) -> Headers:
    """Return what is told of a stream."""
    told: Headers = [content_type(head), next_offset(head.tail)]
    charter = head.charter
    if charter is not None and charter.ttl_ms is not None:
        told.append((b"stream-ttl", b"%d" % (charter.ttl_ms // 1000)))
    if charter is not None and charter.expires_at is not None:
        told.append((b"stream-expires-at", _moment(charter.expires_at)))
    if head.closed is not None:
        told.append(CLOSED)
    return told


def turn(turn: Turn | None) -> Headers:
    """Return how far a producer has come."""
    if turn is None:
        return []
    return [(b"producer-epoch", b"%d" % turn.epoch), (b"producer-seq", b"%d" % turn.number)]


def facts(error: RunstreamsError) -> Headers:
    """Return what a client of the open protocol acts on when it is refused."""
    if isinstance(error, errors.StreamClosed):
        return [CLOSED, next_offset(error.tail)]
    if isinstance(error, errors.RunCompleted):
        return [CLOSED]
    if isinstance(error, EpochOver):
        return [(b"producer-epoch", b"%d" % error.epoch)]
    if isinstance(error, TurnMissing):
        return [
            (b"producer-expected-seq", b"%d" % error.expected),
            (b"producer-received-seq", b"%d" % error.received),
        ]
    return []


def _moment(ms: int) -> bytes:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
