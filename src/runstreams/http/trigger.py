"""Finding out that a published writer has lost chunks of its own.

It keeps its last 10,000 chunks to send them again. When its connection was away for longer than
that, it goes on with the first one that is left, and says nothing: its lines have no numbers. So it
is asked to begin a little before the first chunk that is missing here, and what it sends again is
compared with what is stored.
"""

from collections.abc import Mapping, Sequence

from ..core.errors import ChunkGap, IndexBeyondTail, IndexExpired
from ..core.limits import CHUNK_BYTES
from ..core.log import Log
from ..core.model import StreamId
from .call import Call

OVERLAP = 8
"""Chunks that are sent again. One token may well be the same as another; eight in a row are not."""


def is_published_writer(call: Call) -> bool:
    """Say whether the published writer asks: it names its flavour and its own version."""
    return b"x-stream-version" in call.headers and b"trigger-version" in call.headers


def resume_after(last: int) -> int:
    """Return the number to go on after, where *last* is the last one that is stored."""
    return max(-1, last - OVERLAP)


async def overlap(log: Log, stream: StreamId, client: str, number: int) -> Mapping[int, bytes]:
    """Return the client's last chunks that are stored, from *number* on, by its own numbers."""
    sent = await log.last_sent(stream, client)
    if sent is None or sent.number < number:
        return {}
    # A client that is alone in its stream has chunks wherever it looks; of one among others, only
    # the place of the last is known.
    count = min(OVERLAP, sent.number - number + 1) if sent.number == sent.index else 1
    try:
        page = await log.read(
            stream, sent.index - count + 1, most=count, size=OVERLAP * CHUNK_BYTES
        )
    except (IndexExpired, IndexBeyondTail):  # or the stream has begun anew meanwhile
        return {}
    shift = sent.number - sent.index
    return {chunk.index + shift: chunk.data for chunk in page.chunks}


def check_overlap(known: Mapping[int, bytes], number: int, chunks: Sequence[bytes]) -> None:
    """Compare *chunks*, numbered from *number* on, with what is *known*. Raises `ChunkGap`."""
    if not known:
        return
    for at, chunk in enumerate(chunks, number):
        if known.get(at, chunk) != chunk:
            raise ChunkGap(
                f"chunk {at} is stored with other content: the client has lost chunks since",
                expected=max(known) + 1,
                received=at,
            )
