"""The published protocol's ways: whatever is as it is because trigger.dev's clients expect it so.

Its sentences, word for word; its headers and how they are read; and how it is found out that a
published writer has lost chunks of its own. That one keeps its last 10,000 to send them again. When
its connection was away for longer, it goes on with the first one that is left, and says nothing:
its lines have no numbers. So it is asked to begin a little before the first chunk that is missing
here, and what it sends again is compared with what is stored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..core.errors import (
    ChunkGap,
    IndexBeyondTail,
    IndexExpired,
    InvalidIndex,
    RunstreamsError,
)
from ..core.limits import CHUNK_BYTES, KIB, MIB, SILENCE_SECONDS, SILENCE_SECONDS_MAX
from ..core.log import Log
from ..core.model import StreamId
from .fields import MOST, whole

Headers = Mapping[bytes, bytes]

# What it says

NO_KEY = "Invalid or Missing API key"
OTHER_KEY = "Invalid API key"
EXPIRED_TOKEN = "Public Access Token has expired"
INVALID_TOKEN = "Public Access Token is invalid"
OTHER_TOKEN = "Invalid Public Access Token"
UNAUTHORIZED = "Unauthorized"
NOT_FOUND = "Not found"
NO_TARGET = "Target not found"
ONLY_HEAD = "Only HEAD requests are allowed for this endpoint"
TOO_LARGE = "Request body too large"
INVALID_BODY = "Invalid request body"
CANNOT_CREATE = "Cannot initialize a realtime stream on a completed run"
CANNOT_APPEND = "Cannot append to a realtime stream on a completed run"
CANNOT_SEND = "Cannot send to input stream on a completed run"
BROKEN = "Internal Server Error"

UNAUTHORIZED_FACTS = {"param": "access_token", "type": "authorization"}
"""What stands in a 403, too."""

VERSION = b'{"version":"v1"}'
"""The answer to a writer that registers a stream: send JSON lines, to us."""

STREAM_VERSION = (b"x-stream-version", b"v2")
"""How events look; its readers would take them for the older flavour without it."""

REFUSED_FOR_GOOD = (b"x-should-retry", b"false")
"""Without it its clients would send again what gets a 409, five times."""

APPEND_BODY_BYTES = 512 * KIB
"""Largest body of a one-chunk append."""

INPUT_BODY_BYTES = MIB
"""Largest body of what is sent to an input stream."""

INPUT = "$trigger.input:"
"""What the key of an input stream begins with: what is sent into a run."""


class saying:
    """A block of code whose errors of a *kind* say *sentence*."""

    def __init__(self, sentence: str, kind: type[RunstreamsError]) -> None:
        self._sentence = sentence
        self._kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._kind):
            raise replace(error, message=self._sentence) from None


# What its headers mean

_LEADING = re.compile(r"\s*([+-]?[0-9]{1,9})")
_EVENT_ID = re.compile(r"\s*([0-9]+)")


def leading(text: str) -> int | None:
    """Return the whole number that *text* begins with, as JavaScript's parseInt finds it."""
    found = _LEADING.match(text)
    return int(found[1]) if found else None


def event_id(text: str) -> int | None:
    """Return the index in an event's id, `6` or `6-0` or `6,7,100`; None if there is none."""
    found = _EVENT_ID.match(text)
    return min(int(found[1][:20]), MOST) if found else None


def silence(headers: Headers) -> float:
    """Return the seconds of silence after which an event stream ends. Raises `InvalidIndex`."""
    asked = leading(headers.get(b"timeout-seconds", b"").decode("latin-1"))
    if not asked:
        return SILENCE_SECONDS
    if asked < 1:
        raise InvalidIndex("Timeout seconds must be greater than 0")
    if asked > SILENCE_SECONDS_MAX:
        raise InvalidIndex(f"Timeout seconds must be less than {SILENCE_SECONDS_MAX}")
    return asked


def first_event(headers: Headers) -> int | None:
    """Return the index from which an event stream is wanted; None: only what comes."""
    last = headers.get(b"last-event-id")
    if last is None and headers.get(b"x-trigger-stream-start") == b"latest":
        return None
    seen = event_id((last or b"").decode("latin-1"))
    return 0 if seen is None else seen + 1


def resume_from(headers: Headers) -> int:
    """Return the client's own number of a body's first line. Raises `InvalidIndex`."""
    text = headers.get(b"x-resume-from-chunk", b"0").decode("latin-1")
    try:
        return whole("X-Resume-From-Chunk", text.strip())
    except InvalidIndex as error:
        message = f"Invalid X-Resume-From-Chunk header value: {text}"
        raise replace(error, message=message) from None


def part_id(headers: Headers) -> bytes | None:
    """Return what makes a one-chunk append recognisable when it is sent again."""
    return headers.get(b"x-part-id") or headers.get(b"x-trigger-request-idempotency-key")


def is_published_writer(headers: Headers) -> bool:
    """Say whether the published writer asks: it names its flavour and its own version."""
    return b"x-stream-version" in headers and b"trigger-version" in headers


# What its writer may have lost

OVERLAP = 8
"""Chunks that are sent again. One token may well be the same as another; eight in a row are not."""


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
