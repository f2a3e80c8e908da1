"""The sweep: where there is no bucket lifecycle, what has expired is removed by the server."""

import asyncio
import logging
from typing import Protocol, runtime_checkable

from ..core.errors import StoreError
from ..core.limits import Limits
from ..core.ports import Clock, Store

EVERY_SECONDS = 600
"""Expired chunks are never read; this only gives their room back. It looks at 100,000 streams a
second.
"""

MARGIN_MS = 3_600_000
"""Only what expired an hour ago is removed: a clock that is set back then finds every chunk that it
must still show.
"""

logger = logging.getLogger(__name__)


@runtime_checkable
class Sweepable(Protocol):
    """A store that has to be swept."""

    async def sweep(self, now: int, limits: Limits) -> object:
        """Remove what has expired by *now*, and what nobody refers to."""


async def keep_swept(store: Store, limits: Limits, clock: Clock) -> None:
    """Sweep *store* now and every few minutes, until cancelled, if it needs that."""
    while isinstance(store, Sweepable):
        try:
            logger.info("swept: %s", await store.sweep(clock() - MARGIN_MS, limits))
        except StoreError as error:
            # Busy, or the disk is full: the next sweep goes on where this one stopped.
            logger.warning("the sweep was broken off: %s", error)
        await asyncio.sleep(EVERY_SECONDS)
