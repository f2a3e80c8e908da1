"""Where in the bucket the objects of a stream are.

    b/{hash}!/{run}/{key}/{name}                                 a batch: JSON lines
    s/{hash}!/{run}/{key}/{generation}/{last}-{first}-{time}     a segment

The two prefixes differ in who may delete them. The hash spreads a bucket's streams over the parts
that S3 divides it into, each of which takes so many requests a second: names of runs often begin
alike, the newest ones most of all.

Streams opened by earlier versions have no hash in the names of their objects, and keep it so: those
versions may still be running, in the middle of a deployment. Names tell the two apart. An object or
a generation whose name begins with `SPREAD` is of the new kind, and so is the head of such a
generation, by its form, which those versions do not touch.
"""

import zlib
from collections import OrderedDict

from ...core.model import SegmentName, StreamId
from ...core.names import encode
from ...core.position import EPOCH_END
from ...core.segment import format_name

SPREAD = "h"
"""How names begin whose place has a hash in it, behind an epoch; all others are hexadecimal."""

STREAMS = 1024
"""Streams without a hash that a process remembers, to spare each append there a second put."""


def is_spread(name: str) -> bool:
    """Say whether the object, or the generation, of this *name* has a hash in its place."""
    return name.rpartition(EPOCH_END)[2].startswith(SPREAD)


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
    """Which kind of names new objects get."""

    def __init__(self, spread: bool) -> None:
        """Let streams that are opened here have a hash in their names or, with *spread* False, not
        yet.
        """
        self.mark = SPREAD if spread else ""
        """How the generations begin of streams that are opened."""
        self._plain: OrderedDict[StreamId, None] = OrderedDict()

    def name_of(self, stream: StreamId, id: str) -> str:
        """Return the name of a new object."""
        return id if stream in self._plain else f"{self.mark}{id}"

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
