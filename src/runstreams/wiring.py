"""Where a log is made for whoever hosts one, with this machine's time and fresh names."""

import time
from collections.abc import Callable
from os import urandom

from .core.limits import Limits
from .core.log import Log
from .core.observing import Observer
from .core.ports import Store


def now() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """Return 32 characters `[0-9a-f]` that nobody has seen before."""
    return urandom(16).hex()


def open_log(
    store: Store,
    limits: Limits | None = None,
    *,
    background: bool = True,
    time_left: Callable[[], int] | None = None,
    observer: Observer | None = None,
) -> Log:
    """Return a log that keeps streams in *store*; the rest is as `Log` says."""
    return Log(
        store,
        limits=limits or Limits(),
        clock=now,
        new_id=new_id,
        background=background,
        time_left=time_left,
        observer=observer,
    )
