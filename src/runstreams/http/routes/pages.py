"""The route whose answers a shared cache may give to many: pages of one stream, by what is the same
for all who want them.
"""

from typing import NamedTuple

from ...core.access import SECRET_KEY, of_stream
from ...core.errors import InvalidRequest
from ...core.limits import PAGE_CHUNKS, WAIT_SECONDS
from ...core.model import Head, Page, StreamId
from ..call import Call, require
from ..errors import Headers
from ..fields import query, whole
from ..live.presence import Presence
from ..live.sharing import (
    LASTING_SECONDS,
    body_of,
    etag,
    is_lasting,
    is_near,
    lifetime,
    seconds_left,
)
from .parameters import longest_wait

PRIVATE = (b"cache-control", b"private, no-store, no-transform")

_FIELDS = ("generation", "start", "cursor")


class _Wanted(NamedTuple):
    """What a page's address says of it."""

    generation: str | None
    start: int | None
    cursor: int | None


async def page(call: Call) -> None:
    """Send a page of a stream, waiting for its first chunk: to whoever may read it, or to a cache
    that has seen to that.
    """
    is_shared = call.host.origin.vouches(call.headers)
    grant = SECRET_KEY if is_shared else call.grant()
    call.scope["runstreams.shared"] = is_shared
    wanted, stream = _asked(call), call.stream()
    require(grant, ("read",), *of_stream(stream))
    with call.reading(grant):
        head, found = await _read(call, stream, wanted)
    now = call.service.log.clock()
    told = [_cache_control(call, found, wanted, head, now) if is_shared else PRIVATE]
    if is_lasting(found):
        told.append((b"etag", tag := etag(found)))
        if call.headers.get(b"if-none-match") == tag:
            await _answer_known(call, told)
            return
    await call.answer(200, body_of(found, wanted.cursor, now), told)


def _asked(call: Call) -> _Wanted:
    """Return what the query asks for. Raises `InvalidRequest`, `InvalidIndex`."""
    fields = query(call.scope["query_string"])
    if unknown := fields.keys() - _FIELDS:
        raise InvalidRequest(f"a page's address has no {min(unknown)}")
    start, cursor = (
        None if (text := fields.get(name)) is None else whole(name, text)
        for name in ("start", "cursor")
    )
    return _Wanted(fields.get("generation"), start, cursor)


async def _read(call: Call, stream: StreamId, wanted: _Wanted) -> tuple[Head | None, Page]:
    """Return the stream's head as it was first, and the page. Raises `IndexExpired` where that is
    no more the stream of the address.
    """
    log = call.service.log
    head = await log.head(stream)
    found = await log.read(
        stream,
        wanted.start,
        most=PAGE_CHUNKS,
        seconds=longest_wait(call, WAIT_SECONDS) if is_near(wanted.cursor, log.clock()) else 0,
        presence=Presence(call),
        generation=wanted.generation,
    )
    return head, found


def _cache_control(
    call: Call, found: Page, wanted: _Wanted, head: Head | None, now: int
) -> tuple[bytes, bytes]:
    left = LASTING_SECONDS
    if head is not None:
        left = seconds_left(found, head, call.service.log.limits, now)
    if left <= 0:
        return PRIVATE
    # By its name alone it may be another stream's at any time.
    lasts = is_lasting(found) and wanted.generation is not None
    # Browsers know no tokens, so only caches that do may keep it.
    told = b"public, max-age=0, %b, no-transform" % lifetime(left, lasts)
    return b"cache-control", told


async def _answer_known(call: Call, told: Headers) -> None:
    await call.start(304, told)
    await call.send({"type": "http.response.body", "body": b""})
