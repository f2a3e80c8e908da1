"""Every limit, with its reason."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
DAY_MS = 24 * 60 * 60 * 1000

RUN_ID_BYTES = 128
"""Longest run id, in UTF-8. Three times as long when percent-encoded into an object name."""

KEY_BYTES = 256
"""Longest stream key, in UTF-8."""

CLIENT_ID_BYTES = 64
"""Longest client id, in UTF-8. Ids of the latest clients stand in the head, which every append
rewrites.
"""

WRITERS_COUNTED = 64
"""Most writers of a stream that its description counts. A head in DynamoDB remembers as many."""

PRODUCERS_KEPT = 64
"""Producers with epochs that a stream remembers, the latest. They stand in the head, which every
append rewrites.
"""

PRODUCER_ID_BYTES = 256
"""Longest id of such a producer, and longest place in its writers' own order."""

CHUNK_BYTES = MIB
"""Largest chunk, as encoded JSON."""

LAMBDA_BODY_BYTES = 4 * MIB
"""Largest batch through Lambda: its event is at most 6 MB, and base64 makes 4 MiB into 5.6 MB."""

NESTING = 256
"""Deepest array or object in a chunk. Parsers differ beyond a few hundred levels; this one is
safe in all.
"""

PAGE_BYTES = 1_900_000
"""Largest page, as rendered, unless a single chunk is larger.

Lambda answers with at most 6 MB of JSON in which the body is one string: a quote takes two bytes
there, a character beyond ASCII up to three times its own. A third of the limit is always safe.
"""

PAGE_CHUNKS = 10_000
"""Most chunks of a page, and the maximum of `limit`."""

PAGE_CHUNKS_DEFAULT = 1_000
"""Chunks of a page when the reader names no `limit`."""

WAIT_SECONDS = 20
"""How long a long poll waits when the reader names no `wait`.

API Gateway ends an HTTP API integration after 30 s; 20 leaves room for a cold start and a slow
page.
"""

WAIT_SECONDS_MAX = 25
"""Longest `wait` of a long poll, for the same reason."""

SILENCE_SECONDS = 60
"""How long a server-sent stream stays silent before it ends, unless the reader says otherwise."""

SILENCE_SECONDS_MAX = 600
"""Longest silence a reader may ask for."""

PING_SECONDS = 10
"""How often a silent server-sent stream shows that it lives. Node gives a connection up after
300 s, some proxies after 30.
"""

EVENT_BYTES = 256 * KIB
"""Largest server-sent event, unless a single chunk is larger: what a reader costs in memory."""

EVENT_CHUNKS = 1_000
"""Most chunks of a server-sent event."""

FOLLOWED_STREAMS = 100
"""Most streams of a run that are read at a time over one connection: each is watched and polled."""

FOLLOWED_NAMES = 10_000
"""Most streams that such a request names, those among them that it does not want: a reader that
comes back names all that it has read to their ends, and a run opens so many by default.
"""

FOLLOW_BODY_BYTES = LAMBDA_BODY_BYTES
"""Largest body of such a request: so many keys of the longest kind."""

BATCH_BYTES = MIB
"""A streamed body is committed whenever so much of it has gathered, or less when less arrived
together.
"""

BATCH_CHUNKS = 1_000
"""Most chunks of a batch from a streamed body. Checking them takes about 3 ms, in which nobody else
is served.
"""

BODY_CHUNKS = 65_536
"""Most chunks of a batch from a body that comes whole, as through Lambda: a segment holds as many.
"""

CLOSE_ERROR_BYTES = 4 * KIB
"""Longest error a stream is closed with; it stands in the head."""

SMALL_BODY_BYTES = 6 * CLOSE_ERROR_BYTES + KIB
"""Largest body that carries no chunk: an error with six characters for each byte, as control
characters are written, and what stands around it.
"""

LEASE_SECONDS_MAX = 3600
"""Longest lease: a producer that is silent for longer cannot be told from a dead one."""

FORGOTTEN_MS = 3_600_000
"""How long ago a fork must have been forgotten, or what it has of others must have expired, before
that is deleted: clocks differ, and another machine may let it live on at its last moment.
"""

LEASE_GRACE_MS = 5_000
"""How long after its lease a producer is taken for lost: clocks differ, and a renewal travels."""

LIST_DEFAULT = 100
"""Streams or runs on a page of a listing when no `limit` is named."""

LIST_MAX = 1_000
"""Most streams or runs on a page of a listing."""

LIST_SCANNED = 1_000
"""Most runs that are looked at for one page of those with some status."""
NAMES_AT_ONCE = 1_000
"""Most segments of one listing: as many objects as S3 names, or deletes, in one request."""

TICK_SECONDS = 0.001
"""Timers may ring a little early; what is due so soon is due."""

POLL_FIRST_SECONDS = 0.1
"""Pause between two polls of a head right after news, unless told otherwise: about as often as a
linger of 100 ms brings some.
"""

POLL_LAST_SECONDS = 1.0
"""Longest pause between two polls of a quiet head."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may change."""

    retention_ms: int = 28 * DAY_MS
    """How long a chunk can be read after it was appended."""

    stream_bytes: int = 300 * MIB
    """All bytes ever appended to one stream; 0 means no limit."""

    run_streams: int = 10_000
    """Streams that one run may open within a retention period; 0 means no limit."""

    epoch: int = 0
    """How often heads were put back to how they once were: streams opened since are told apart from
    those before.
    """

    inline_bytes: int = KIB
    """Largest batch that lies in its pointer, in a store that can have it there; 0 means that none
    does. Beyond about 1 KiB an object is cheaper.
    """

    poll_ms: int = round(POLL_FIRST_SECONDS * 1000)
    """Shortest pause of a waiting reader between two polls of a head."""


NO_LIMITS = Limits(stream_bytes=0, run_streams=0, inline_bytes=0)
"""Anything goes, for as long as usual."""


@dataclass(frozen=True, slots=True)
class SealingPlan:
    """When small batches become segments, and how large those grow. The defaults are for S3 +
    DynamoDB.
    """

    every: int = 16
    """The append that makes the unsealed list a multiple of this seals, so that 100 writers do
    not stampede.
    """

    batches: int = 64
    """Most batches of one seal. DynamoDB refuses more than 128 list removals in one update."""

    inlined_every: int = 3 * KIB // 2
    """The append that makes the bytes in the pointers cross a multiple of this seals as well: each
    append pays for those before it, by the KiB, and each seal for an object.
    """

    inlined_enough: int = 16 * KIB
    """With so many bytes in the pointers a batch becomes an object, until some are sealed."""

    inlined_most: int = 64 * KIB
    """Most bytes in the pointers, whoever knew of how many: a head has little more room."""

    segment_bytes: int = 8 * MIB
    """A segment grows to about this: one ranged GET replays it, and it fits a small function's
    memory.
    """

    segment_chunks: int = 65_536
    """A segment's offset index holds one number a chunk; this keeps it under about 300 KB."""

    unsealed: int = 256
    """Most unsealed batches, and so the head item's size: an append beyond it is told to come
    back.
    """

    fan_in: int = 16
    """So many neighbouring segments of about one size become one: each byte is rewritten about
    log16 times. The append that merges takes a fifth of a second, so fewer than one in a hundred
    does, however soon it is time to seal.
    """

    clients: int | None = 64
    """Writers remembered in the head; the others move to items of their own. None: all stay in
    the head.
    """

    clients_slack: int = 64
    """Moving begins when this many too many have gathered, so that it is one extra update in
    many, and a hundred who write at a time stay.
    """
