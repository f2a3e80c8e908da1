"""Pages as bytes: as the JSON of a long poll, and as a server-sent event.

Chunks go out as they came in, byte for byte; nothing is parsed. A page keeps its renderings, since
many readers may be sent the same one.
"""

import json
from dataclasses import asdict

from ...core.errors import RunstreamsError
from ...core.following import End, Tick
from ...core.joint import Alive, Item
from ...core.joint_poll import Gathered
from ...core.leasing import leased_until
from ...core.model import Closed, Head, Page, Span
from ...core.position import id_prefix
from ..errors import said_of

DONE = b"data: [DONE]\n\n"
"""The end of a server-sent stream that ends cleanly."""

BROKEN_OFF = b"event: error\ndata: go on behind the last event\n\n"
"""The last event of one that does not: what comes between us and the reader may make a clean end of
a broken connection.
"""


def as_json(page: Page) -> bytes:
    """Return the answer to a long poll."""
    if (rendered := page.renderings.get("json")) is None:
        rendered = page.renderings["json"] = _json(page)
    return rendered


def as_lasting(page: Page) -> bytes:
    """Return *page*, which more follows, without what of it changes."""
    if (rendered := page.renderings.get("lasting")) is None:
        rendered = b'{"chunks":[%b],"next_index":%d,"closed":null%b}' % (
            _chunks(page),
            page.next_index,
            _superseded(page.superseded),
        )
        page.renderings["lasting"] = rendered
    return rendered


def with_cursor(page: Page, cursor: int) -> bytes:
    """Return the answer to a long poll that goes on with *cursor*."""
    return b'%b,"cursor":%d}' % (as_json(page)[:-1], cursor)


def as_event(page: Page) -> bytes:
    """Return the page, which is not empty, as one server-sent event."""
    if (rendered := page.renderings.get("event")) is None:
        rendered = page.renderings["event"] = _event(page)
    return rendered


def ping(now: int, head: Head | None) -> bytes:
    """Return the event that shows a silent stream to be alive."""
    tail = (head.tail, head.last_time) if head is not None else (0, 0)
    leased = _number(leased_until(head)) if head is not None else b"null"
    said = b'"timestamp":%d,"tail":{"seq_num":%d,"timestamp":%d},"leased_until":%b'
    return b"event: ping\ndata: {%b}\n\n" % (said % (now, *tail, leased))


def as_answer(gathered: Gathered) -> bytes:
    """Return the answer to a long poll of several streams."""
    items = b",".join(map(_item, gathered.items))
    over = b"true" if gathered.over else b"false"
    leased = _number(gathered.leased_until)
    return b'{"streams":[%b],"over":%b,"leased_until":%b}' % (items, over, leased)


def as_item_event(item: Item | Alive, now: int) -> bytes:
    """Return what comes of one of several streams as one server-sent event."""
    if isinstance(item, Alive):
        leased = _number(item.leased_until)
        return b'event: ping\ndata: {"timestamp":%d,"leased_until":%b}\n\n' % (now, leased)
    if isinstance(item.what, Tick):
        return _joint_ping(item.key, now, item.what.head)
    # A carriage return would end the line; in JSON it can only stand between tokens.
    return b"event: stream\ndata: %b\n\n" % _item(item).replace(b"\r", b" ")


def ended(end: End | None) -> bytes:
    """Return the last event of several streams, which says why there is no more."""
    return b'event: end\ndata: {"silent":%b}\n\n' % (b"true" if end is End.SILENT else b"false")


def _item(item: Item) -> bytes:
    key = json.dumps(item.key, ensure_ascii=False).encode()
    if isinstance(item.what, RunstreamsError):
        error = json.dumps(said_of(item.what), separators=(",", ":")).encode()
        return b'{"key":%b,"error":%b}' % (key, error)
    assert isinstance(item.what, Page)
    return b'{"key":%b,%b' % (key, as_json(item.what)[1:])


def _joint_ping(key: str, now: int, head: Head | None) -> bytes:
    said = {
        "key": key,
        "timestamp": now,
        "tail": head.tail if head is not None else 0,
        "leased_until": leased_until(head) if head is not None else None,
    }
    return b"event: ping\ndata: %b\n\n" % json.dumps(said, separators=(",", ":")).encode()


def _chunks(page: Page) -> bytes:
    prefix = id_prefix(page.generation).encode()
    return b",".join(
        b'{"index":%d,"data":%b,"id":"%b%d","timestamp":%d}'
        % (index, data, prefix, index, timestamp)
        for index, timestamp, data in page.chunks
    )


def _json(page: Page) -> bytes:
    return b'{"chunks":[%b],"next_index":%d,"tail":%d,"closed":%b,"leased_until":%b%b%b}' % (
        _chunks(page),
        page.next_index,
        page.tail,
        _closed(page.closed),
        _number(page.leased_until),
        _superseded(page.superseded),
        _generation(page),
    )


def _generation(page: Page) -> bytes:
    """Return which stream a page is of that has no chunks whose ids would say so."""
    if page.chunks or not page.generation:
        return b""
    return b',"generation":"%b"' % page.generation.encode()


def _superseded(spans: tuple[Span, ...]) -> bytes:
    """Return what a page says more where chunks no longer count."""
    if not spans:
        return b""
    return b',"superseded":[%b]' % b",".join(b"[%d,%d]" % span for span in spans)


def _closed(closed: Closed | None) -> bytes:
    return b"null" if closed is None else json.dumps(asdict(closed), separators=(",", ":")).encode()


def _number(number: int | None) -> bytes:
    return b"null" if number is None else b"%d" % number


def _event(page: Page) -> bytes:
    prefix = id_prefix(page.generation).encode()
    records = b",".join(
        b'{"seq_num":%d,"timestamp":%d,"body":"{\\"data\\":%b,\\"id\\":\\"%b%d\\"}"}'
        % (index, timestamp, escaped, prefix, index)
        for (index, timestamp, _), escaped in zip(page.chunks, _escaped(page), strict=True)
    )
    last = page.chunks[-1]
    return (
        b'event: batch\nid: %d\ndata: {"records":[%b],"tail":{"seq_num":%d,"timestamp":%d}%b}\n\n'
        % (last.index, records, page.tail, last.timestamp, _superseded(page.superseded))
    )


def _escaped(page: Page) -> list[bytes]:
    """Return each chunk as it stands inside a JSON string.

    A chunk is valid JSON without a newline, so beside quotes and backslashes only tabs and returns
    between its tokens need escaping, and all chunks can be escaped at once, with newlines between.
    """
    joined = b"\n".join(chunk.data for chunk in page.chunks)
    joined = joined.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return joined.replace(b"\t", b"\\t").replace(b"\r", b"\\r").split(b"\n")
