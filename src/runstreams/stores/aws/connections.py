"""Connections to AWS, and for how long they are trusted.

A process that stands still, as Lambda leaves a function between two requests and a laptop all its
programs, does not hear that a connection is closed meanwhile. The next request on it would fail,
and nobody could tell whether it had arrived.

A client whose connections are closed makes new ones, as botocore clears its pools and keeps them:
https://github.com/boto/botocore/blob/develop/botocore/httpsession.py, `close`.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient

TRUSTED_SECONDS = 3.0
"""For how long without a request a client's connections are trusted. S3 is said to close them after
20 s of silence, DynamoDB after 60; a new one costs a few milliseconds, once a pause.
"""


def distrust_old(client: BaseClient) -> None:
    """Let *client* ask on new connections whenever it has not asked anything for a while."""
    age = _Age(client.close)
    client.meta.events.register("before-send", age.before_send)


class _Age:
    """How long ago the last request was, by any clock: one of them may have stood still, too."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._asked = _now()

    def before_send(self, **_: Any) -> None:
        """Close the connections that nobody uses, if they are too old; those in use go on."""
        # Whoever comes second waits, lest it takes one that is just being closed.
        with self._lock:
            before, self._asked = self._asked, _now()
            if max(now - then for now, then in zip(self._asked, before, strict=True)) > (
                TRUSTED_SECONDS
            ):
                self._close()


def _now() -> tuple[float, float]:
    """Return the seconds of the wall's clock, which a machine's sleep does not stop, and of one
    that nobody can set back.
    """
    return time.time(), time.monotonic()
