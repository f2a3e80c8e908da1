"""Removing what is stored a second time, once nobody is led to it any more."""

import logging
from collections.abc import Awaitable

from .errors import StoreError

logger = logging.getLogger(__name__)


async def cleaned(deletion: Awaitable[None]) -> None:
    """Wait for *deletion*. Where it fails, nobody misses anything: what is left behind costs its
    room until it expires.
    """
    try:
        await deletion
    except StoreError as error:
        logger.warning("what is not needed any more was not deleted: %s", error)
