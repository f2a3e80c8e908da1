"""Streams in the memory of this process, with no server in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.log import Log
from ..sdk.clients import Client, use_as_default
from ..sdk.transports.direct import DirectTransport
from ..stores.memory import MemoryStore
from ..wiring import new_id, open_log

SECRET_KEY = "sk_testing"
"""What public tokens are signed with."""


@contextmanager
def in_memory() -> Iterator[Client]:
    """Keep all streams of the default client in memory, for as long as the context lasts.

    That is the module-level `streams`, sync and async, from `runstreams` as from `runstreams.aio`;
    and the client that it yields has the same streams. Nothing of the environment is read, and
    nothing is sent. At the end what is pending is written, and all is forgotten.
    """
    with (
        Client(token=SECRET_KEY, transport=lambda: DirectTransport(memory_log())) as client,
        use_as_default(client),
    ):
        yield client


def memory_log() -> Log:
    """Return a log that keeps nothing beyond this process."""
    return open_log(MemoryStore(new_id))
