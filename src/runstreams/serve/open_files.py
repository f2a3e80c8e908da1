"""How many files, and so how many connections, this process may have open."""

from contextlib import suppress
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

WANTED = 65_536
"""Asked for at start: each waiting reader is one connection."""


def raise_limit(wanted: int = WANTED) -> int:
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
