"""What a page says to a shared cache: for how long it may be kept, and how to ask again."""

from ...core.limits import Limits
from ...core.model import Head, Page
from ...core.retention import readable_until
from .rendering import as_json, as_lasting, with_cursor

LASTING_SECONDS = 60
"""How long a page that never changes is kept: a deletion holds after a minute."""

LIVE_SECONDS = 1
"""How long any other is kept: for those who waited for it, and who come just then."""

STALE_SECONDS = 5
"""How long such a page is still good for the others while one of those who come late asks anew."""

_CURSOR_MS = 20_000
"""How long a cursor is the current one."""

_CURSORS_NEAR = 8
"""How far from the current one a cursor may be that is waited with: polls end a little early, so
that those who wait for long get ahead of it.
"""


def cursor_after(known: int | None, now: int) -> int:
    """Return the cursor of whoever was told at *now* that nothing came: a greater one than it had.

    Those who wait for the same soon have the same one, so it leaps no further than it must.
    """
    current = now // _CURSOR_MS
    return current if known is None else max(current, known + 1)


def is_lasting(page: Page) -> bool:
    """Say whether *page* never changes: more follows it already, or nothing ever will."""
    return page.next_index < page.tail or page.closed is not None


def seconds_left(page: Page, head: Head, limits: Limits, now: int) -> int:
    """Return for how long *page* can still be read, of the stream that *head* is."""
    oldest = page.chunks[0].timestamp if page.chunks else head.last_time
    return (readable_until(head, oldest, limits) - now) // 1000


def lifetime(left: int, lasts: bool) -> bytes:
    """Return what `Cache-Control` says of a page that can be read for *left* seconds, and that
    *lasts* or is live.
    """
    if lasts or left <= LIVE_SECONDS + STALE_SECONDS:
        return b"s-maxage=%d" % min(left, LASTING_SECONDS if lasts else LIVE_SECONDS)
    return b"s-maxage=%d, stale-while-revalidate=%d" % (LIVE_SECONDS, STALE_SECONDS)


def is_near(cursor: int | None, now: int) -> bool:
    """Say whether a *cursor* is one of these times. Each other one would be a wait of its own."""
    return cursor is None or abs(cursor - cursor_after(None, now)) <= _CURSORS_NEAR


def body_of(page: Page, known: int | None, now: int) -> bytes:
    """Return *page* as JSON, for whoever asked with the cursor *known*."""
    if page.next_index < page.tail:
        return as_lasting(page)
    if page.closed is not None:
        return as_json(page)
    told = known if not page.chunks and is_near(known, now) else None
    return with_cursor(page, cursor_after(told, now))


def with_pages(page: Page, now: int) -> bytes:
    """Return the answer to a long poll of whoever had better ask for pages."""
    whole = is_lasting(page)
    told = as_json(page) if whole else with_cursor(page, cursor_after(None, now))
    return told[:-1] + b',"shared":true}'


def etag(page: Page) -> bytes:
    """Return what names a lasting page: its chunks, how many of the stream no longer count, and
    whether it ends there.
    """
    first = page.chunks[0].index if page.chunks else page.next_index
    lost = sum(span.end - span.start for span in page.superseded)
    end = b":c" if page.closed is not None else b""
    return b'"%b:%d:%d:%d%b"' % (page.generation.encode(), first, page.next_index, lost, end)
