"""How many files, and so how many connections, this process may have open."""

import asyncio
import logging
from contextlib import suppress
from errno import EMFILE, ENFILE
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

_WANTED = 65_536
"""Asked for at start: each waiting reader is one connection."""

_SAY_AGAIN_SECONDS = 60
"""How often it is said that no file is left: the event loop finds so each second."""

logger = logging.getLogger(__name__)


def raise_limit(wanted: int = _WANTED) -> int:
    """Raise this process's limit of open files towards *wanted*; return what it is now.

    Anybody may raise the soft limit up to the hard one, and root the hard one too.
    """
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft != RLIM_INFINITY and soft < wanted:
        enough = hard == RLIM_INFINITY or hard >= wanted
        for limits in [(wanted, hard)] if enough else [(wanted, wanted), (hard, hard)]:
            with suppress(OSError, ValueError):  # not root, or beyond what the kernel allows
                setrlimit(RLIMIT_NOFILE, limits)
                break
    return getrlimit(RLIMIT_NOFILE)[0]


class NoFileLeft:
    """An event loop's handler of exceptions, to which a connection that finds no file left is worth
    a line a minute. It waits in the socket's queue until somebody leaves.
    """

    def __init__(self) -> None:
        self._silent_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (EMFILE, ENFILE):
            loop.default_exception_handler(context)
        elif loop.time() >= self._silent_until:
            self._silent_until = loop.time() + _SAY_AGAIN_SECONDS
            limit = getrlimit(RLIMIT_NOFILE)[0]
            logger.warning("all of %d files are open: who connects now waits for others", limit)
