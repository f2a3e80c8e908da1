"""Pages that several readers share: a hundred readers woken by one commit are sent the same bytes.

Only pages right after a wait are shared. A replay reads its own, since nobody else is at its place.
"""

import asyncio
from collections import OrderedDict

from .leasing import leased_until
from .model import Head, Page, StreamId
from .reading import Cursor

_KEPT = 32
"""Shared pages kept at a time; readers woken together ask for theirs within milliseconds."""

_Name = tuple[str, str, bool, str, bool, int | None, int, int, bool, int, int]
_Asked = tuple[StreamId, bool, int, bool, int, int]


class PageCache:
    """The latest pages that readers were woken for."""

    def __init__(self) -> None:
        self._slots: OrderedDict[_Name, asyncio.Future[Page]] = OrderedDict()
        self._latest: tuple[Head, _Asked, Page] | None = None
        """The latest page, for who is woken with the same head: a name takes longer than it."""

    async def page(
        self, cursor: Cursor, head: Head, start: int, *, exact: bool, most: int, size: int
    ) -> Page:
        """Return the page of *cursor*'s stream from *start*, read once for all who ask for it.

        Raises what `Cursor.page` raises, to all who wait; the next to ask reads again.
        """
        if start == head.tail:
            return await cursor.page(head, start, exact=exact, most=most, size=size)
        asked = cursor.stream, cursor.raw, start, exact, most, size
        if (latest := self._latest) is not None and latest[0] is head and latest[1] == asked:
            return latest[2]
        state = head.generation, head.closed is not None, leased_until(head)
        name = (*cursor.stream, cursor.raw, *state, start, head.tail, exact, most, size)
        while (slot := self._slots.get(name)) is not None:
            if not slot.done():
                await asyncio.wait([slot])
            if not slot.cancelled():
                return slot.result()
        slot = self._slots[name] = asyncio.get_running_loop().create_future()
        if len(self._slots) > _KEPT:
            self._slots.popitem(last=False)
        try:
            page = await cursor.page(head, start, exact=exact, most=most, size=size)
        except BaseException as error:
            if self._slots.get(name) is slot:
                del self._slots[name]
            _break_off(slot, error)
            raise
        slot.set_result(page)
        self._latest = head, asked, page
        return page


def _break_off(slot: asyncio.Future[Page], error: BaseException) -> None:
    """Give up what is read for all: whoever waits has the same *error*, but for the end of the one
    who reads.
    """
    if isinstance(error, Exception):
        slot.set_exception(error)
        slot.exception()  # it is no matter whether anybody waits
    else:
        slot.cancel()
