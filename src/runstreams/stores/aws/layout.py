"""Where in the bucket the objects of a stream are.

    b/{hash}!/{run}/{key}/{name}                                 a batch: JSON lines
    s/{hash}!/{run}/{key}/{generation}/{last}-{first}-{time}     a segment

The two prefixes differ in who may delete them. The hash spreads a bucket's streams over the parts
that S3 divides it into, each of which takes so many requests a second: names of runs often begin
alike, the newest ones most of all.

Streams opened by earlier versions have no hash in the names of their objects, and keep it so: those
versions may still be running, in the middle of a deployment. Names tell the two apart. An object or
a generation whose name begins with `SPREAD` is of the new kind, and so is the head of such a
generation, by its form, which those versions do not touch. In the same way `SHORT` tells apart how
heads know their clients.
"""

import zlib
from collections import OrderedDict

from ...core.model import SegmentName, StreamId
from ...core.names import encode
from ...core.position import EPOCH_END
from ...core.segment import format_name

SPREAD = "h"
"""How names begin whose place has a hash in it, behind an epoch; all others are hexadecimal."""

SHORT = "s"
"""How generations go on, behind that mark, whose heads know their clients by hashes."""

STREAMS = 1024
"""Streams of another kind than those opened here that a process remembers, to spare each append
there a second try.
"""


def is_spread(name: str) -> bool:
    """Say whether the object, or the generation, of this *name* has a hash in its place."""
    return name.rpartition(EPOCH_END)[2].startswith(SPREAD)


def is_short(generation: str) -> bool:
    """Say whether the head of this *generation* knows its clients by hashes."""
    return generation.rpartition(EPOCH_END)[2].removeprefix(SPREAD).startswith(SHORT)


def batch_key(stream: StreamId, name: str) -> str:
    """Return the key of the batch *name*."""
    return f"b/{_folder(stream, is_spread(name))}{name}"


def segment_key(stream: StreamId, name: SegmentName) -> str:
    """Return the key of the segment *name*."""
    return f"{generation_prefix(stream, name.generation)}{format_name(name)}"


def generation_prefix(stream: StreamId, generation: str) -> str:
    """Return how the keys of a generation's segments begin."""
    return f"s/{_folder(stream, is_spread(generation))}{generation}/"


def segment_prefixes(stream: StreamId) -> list[str]:
    """Return how the keys of a stream's segments begin, whatever the generation."""
    return [f"s/{_folder(stream, spread)}" for spread in (False, True)]


def _folder(stream: StreamId, spread: bool) -> str:
    name = f"{encode(stream.run)}/{encode(stream.key)}/"
    # No encoded run ends with that mark, so no stream's folder is within another's.
    return f"{zlib.crc32(name.encode()) >> 16:04x}!/{name}" if spread else name


class Layout:
    """Of which kind streams are: which names new objects get, and under which names their heads
    know their clients.
    """

    def __init__(self, spread: bool, short: bool = True) -> None:
        """Let streams that are opened here have a hash in their names or, with *spread* False, not
        yet, and know their clients by hashes or, with *short* False, not yet.
        """
        self._spread, self._short = SPREAD if spread else "", short
        self.mark = f"{self._spread}{SHORT if short else ''}"
        """How the generations begin of streams that are opened."""
        self._plain: OrderedDict[StreamId, None] = OrderedDict()
        self._others: OrderedDict[StreamId, None] = OrderedDict()

    def is_short(self, stream: StreamId) -> bool:
        """Say whether the stream's head knows its clients by hashes, as far as is known."""
        return self._short != (stream in self._others)

    def learn(self, stream: StreamId, generation: str) -> None:
        """Remember of which kind a stream's head is."""
        self._others.pop(stream, None)
        if is_short(generation) != self._short:
            self._others[stream] = None
        if len(self._others) > STREAMS:
            self._others.popitem(last=False)

    def name_of(self, stream: StreamId, id: str) -> str:
        """Return the name of a new object."""
        return id if stream in self._plain else f"{self._spread}{id}"

    def fits(self, stream: StreamId, object: str, generation: str) -> bool:
        """Say whether whoever reads heads of this *generation* finds the *object*; if not, the
        stream's next one is put where they do.
        """
        if is_spread(generation) or not is_spread(object):
            return True
        self._plain[stream] = None
        if len(self._plain) > STREAMS:
            self._plain.popitem(last=False)
        return False
