"""As whom single appends are made: one client for all that follow one another.

A description of a stream counts its clients. Appends side by side do not wait for each other, so
each of them has a client of its own meanwhile.
"""

import os
from collections import OrderedDict
from typing import NamedTuple
from uuid import uuid4

from ...core.model import StreamId

_STREAMS_KEPT = 1_000
"""Streams whose clients are remembered, those appended to last."""


class Writer(NamedTuple):
    """A client of a stream, and the number of its next chunk."""

    client: str
    number: int


def new_client() -> str:
    """Return a fresh client id."""
    return uuid4().hex[:16]


class Writers:
    """The clients that are not in use. For the engine's thread only."""

    def __init__(self) -> None:
        self._idle: OrderedDict[StreamId, list[Writer]] = OrderedDict()
        self._process = os.getpid()
        # Each of the copies that are started from one snapshot would number its chunks alike, and
        # all but the first would be taken for resends.
        self._is_copied = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"

    def take(self, stream: StreamId) -> Writer:
        """Return a client for the next append, which nobody else has until it is given back."""
        if os.getpid() != self._process:  # so would a child of the process
            self._idle.clear()
            self._process = os.getpid()
        idle = self._idle.get(stream)
        return idle.pop() if idle else Writer(new_client(), 0)

    def give_back(self, stream: StreamId, writer: Writer) -> None:
        """Take back a client whose append was acknowledged; of another nobody knows the number."""
        if self._is_copied:
            return
        self._idle.setdefault(stream, []).append(Writer(writer.client, writer.number + 1))
        self._idle.move_to_end(stream)
        if len(self._idle) > _STREAMS_KEPT:
            self._idle.popitem(last=False)
