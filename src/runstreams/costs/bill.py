"""The bill for many streams of one kind."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal, NamedTuple

from ..core.limits import DAY_MS, Limits
from ..core.reading import CHUNK_OVERHEAD
from ..core.settings import AWS_LINGER_MS
from . import prices, requests, tier
from .prices import Price

Endpoint = Literal["http-api", "rest-api", "function-url"]
ReadersOn = Literal["lambda", "fargate"]

APPEND_SECONDS = 0.055
"""An append in Lambda. Computed from 22 ms for S3's put and 4.5 ms for DynamoDB's update, with as
much again around them; not measured on AWS.
"""

_SEAL_SECONDS = 0.3
"""What sealing adds to one append in sixteen; not measured on AWS."""

INLINE_APPEND_SECONDS, INLINE_SEAL_SECONDS = 0.031, 0.06
"""The same where batches lie in the head: no object is put for an append, and none is got to
seal. Not measured on AWS.
"""

_REPLAY_SECONDS = 0.2
"""A replay in Lambda; not measured on AWS."""

COLD_SHARE, COLD_SECONDS = 0.01, 1.0
"""How many requests meet a function that has to start first, and how long that takes; its time is
billed like any other. Neither was measured on AWS.
"""

PREFLIGHT_SECONDS = 0.005
"""What a browser's question before a request takes in Lambda; not measured on AWS."""

WRITER_GB = 0.5
READER_GB = 0.25
"""Memory of the functions, as the template has it unless told otherwise."""

_STREAM_SECONDS = 300
"""After so long an event stream is broken and comes back, as the template has it."""

LOG_LINE_BYTES = 1_200
"""What one request writes into the log at level INFO: a line, a line of metrics, Lambda's own."""

HEAD_BYTES, POINTER_BYTES, CLIENT_BYTES, LEASE_BYTES = 200, 58, 23, 65
"""A head without anything, and what an unsealed batch, a client and a lease add; a write unit is
1 KiB.
"""

RUN_BYTES, ITEM_BYTES = 130, 100
"""A run's record, and what DynamoDB counts beside the bytes of each item."""

TABLE_BYTES = HEAD_BYTES + CLIENT_BYTES + LEASE_BYTES + 2 * RUN_BYTES + 3 * ITEM_BYTES
"""What a stream leaves in the table: its head, and its run's record, which is in the index, too."""

_KEPT_MONTHS = Limits().retention_ms / (30 * DAY_MS)


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of streams, and how they are written and read."""

    streams: float = 1e6
    tokens_per_second: float = 50
    seconds: float = 60
    batch_seconds: float = AWS_LINGER_MS / 1000
    token_bytes: float = 5
    readers: float = 1
    """Following live, each until the end."""
    replays: float = 0
    """Reading all of it later."""
    endpoint: Endpoint = "http-api"
    """Where it is written and read; event streams at all but `http-api`."""
    cross_origin: bool = False
    """Whether its readers are pages of another origin, whose browsers ask first each time."""
    inline_bytes: float = Limits().inline_bytes
    """Largest batch that lies in the head; 0: each is an object."""
    direct: bool = False
    """Whether its writer uses bucket and table itself, with no function in between."""
    poll_ms: float = Limits().poll_ms
    """Pause between two looks of a waiting reader."""
    readers_on: ReadersOn = "lambda"
    """Where readers are served: by the functions, or by the tier whose month these streams fill."""

    @property
    def average_readers(self) -> float:
        """Readers that follow at a time, where all streams are those of a month."""
        return self.streams * self.readers * self.seconds / (tier.HOURS * 3600)

    @property
    def tasks(self) -> int:
        """Tasks that the tier has for them."""
        streams = self.streams * self.seconds / (tier.HOURS * 3600)
        deliveries = self.average_readers * self.appends / self.seconds
        return tier.tasks(streams / (self.poll_ms / 1000), self.readers, deliveries)

    @property
    def tokens(self) -> int:
        """Chunks of a stream."""
        return max(1, round(self.tokens_per_second * self.seconds))

    @property
    def appends(self) -> int:
        """Appends to a stream: a batch each, and never more than there are tokens."""
        wanted = ceil(self.seconds / self.batch_seconds) if self.batch_seconds else self.tokens
        return max(1, min(wanted, self.tokens))

    @property
    def inlined(self) -> float:
        """Bytes that an append takes in the head; 0: it is an object."""
        lines = self.tokens / self.appends * (self.token_bytes + 1)
        return requests.inlined_bytes(lines, int(self.inline_bytes))


class Line(NamedTuple):
    """One line of the bill, for all streams."""

    part: str
    price: Price
    quantity: float

    @property
    def dollars(self) -> float:
        return self.price.of(self.quantity)


def bill(load: Load) -> list[Line]:
    """Return the lines of the bill for *load*."""
    reading = _from_tier if load.readers_on == "fargate" else _reading
    each = [
        Line(part, price, quantity * load.streams)
        for part, price, quantity in (*_writing(load), *reading(load), *_keeping(load))
        if quantity
    ]
    return [*each, *standing(load)]


def standing(load: Load) -> list[Line]:
    """Return what stands for *load* whoever reads: the tier, if it is there."""
    if load.readers_on == "lambda":
        return []
    return [Line("standing", *each) for each in tier.standing(load.tasks)]


def total(lines: list[Line]) -> float:
    """Return what all *lines* come to, in dollars."""
    return sum(line.dollars for line in lines)


_Part = tuple[str, Price, float]


def _writing(load: Load) -> Iterator[_Part]:
    calls = load.appends + 1  # and the close
    seals = load.appends // requests.appends_a_seal(load.inlined)
    append, seal = (
        (INLINE_APPEND_SECONDS, INLINE_SEAL_SECONDS)
        if load.inlined
        else (APPEND_SECONDS, _SEAL_SECONDS)
    )
    if not load.direct:
        seconds = calls * append + (seals + 1) * seal
        yield from _called("writing", load, calls, seconds, WRITER_GB)
    yield from _stored("writing", requests.of_writing(load.appends, load.inlined))
    yield "writing", prices.WRITE_UNITS, write_units(load.appends, load.inlined)


def _reading(load: Load) -> Iterator[_Part]:
    polls = load.appends if load.endpoint == "http-api" else ceil(load.seconds / _STREAM_SECONDS)
    following = requests.of_following(
        load.appends, load.seconds, load.poll_ms / 1000, polls, load.inlined
    )
    for part, count, calls, seconds, made in (
        ("following", load.readers, polls, load.seconds, following),
        ("replaying", load.replays, 1, _REPLAY_SECONDS, requests.of_replaying()),
    ):
        yield from _called(part, load, calls * count, seconds * count, READER_GB)
        if load.cross_origin:
            asked = calls * count
            yield from _called("preflights", load, asked, asked * PREFLIGHT_SECONDS, READER_GB)
        yield from _stored(part, _times(made, count))
        yield part, prices.TRAFFIC, _on_the_wire(load) * count


def _from_tier(load: Load) -> Iterator[_Part]:
    """A process looks once for all of its readers, and those of a stream are spread over all."""
    looking = min(load.readers, load.tasks)
    made = requests.of_following(load.appends, load.seconds, load.poll_ms / 1000, 1, load.inlined)
    first_looks = _times(Counter(GetItem=1), load.readers)
    yield from _stored("following", _times(made, looking) | first_looks)
    yield from _stored("replaying", _times(requests.of_replaying(), load.replays))
    for part, count, seconds in (
        ("following", load.readers, load.seconds),
        ("replaying", load.replays, 0),
    ):
        sent = _on_the_wire(load) * count
        yield part, prices.TRAFFIC, sent
        yield part, prices.BALANCED, tier.balanced(count, seconds * count, sent)


def _keeping(load: Load) -> Iterator[_Part]:
    kept = load.tokens * load.token_bytes / prices.GB
    yield "keeping", prices.S3_STORAGE, kept * _KEPT_MONTHS
    for price in (prices.TABLE_STORAGE, prices.RECOVERY):
        yield "keeping", price, TABLE_BYTES / prices.GB * _KEPT_MONTHS


def _on_the_wire(load: Load) -> float:
    """Return the bytes that a reader gets who takes all of a stream."""
    return load.tokens * (load.token_bytes + CHUNK_OVERHEAD)


def _times(made: Counter[str], count: float) -> Counter[str]:
    return Counter({name: each * count for name, each in made.items()})


def _called(part: str, load: Load, calls: float, seconds: float, memory: float) -> Iterator[_Part]:
    if load.endpoint == "http-api":
        yield part, prices.HTTP_API, calls
    elif load.endpoint == "rest-api":
        yield part, prices.REST_API, calls
    yield part, prices.INVOCATIONS, calls
    yield part, prices.GB_SECONDS, (seconds + calls * COLD_SHARE * COLD_SECONDS) * memory
    yield part, prices.LOG_BYTES, calls * LOG_LINE_BYTES


def _stored(part: str, made: Counter[str]) -> Iterator[_Part]:
    yield part, prices.S3_WRITES, made["PutObject"] + made["ListObjectsV2"]
    yield part, prices.S3_READS, made["GetObject"]
    # A consistent read of up to 4 KiB is one unit, and a poll half of one.
    yield part, prices.READ_UNITS, made["GetItem"] + made["poll"] / 2


def opening_units(inlined: float = 0) -> int:
    """Return the write units of a stream's first append, which takes *inlined* bytes of the head,
    or is an object: an update that fails; the run's record and the head in a transaction, each paid
    twice; and the record once more in the index, whether it was there or not.
    """
    return 1 + 2 * (1 + _head_units(1, inlined)) + 1


def _head_units(appends: int, inlined: float) -> int:
    """Return the write units of a head with so many unsealed *appends*, of one writer."""
    fixed = HEAD_BYTES + CLIENT_BYTES + LEASE_BYTES
    return ceil((fixed + (inlined or POINTER_BYTES) * appends) / 1024)


def write_units(appends: int, inlined: float = 0) -> float:
    """Return the write units of a stream with one writer that holds a lease, from its opening to
    its close; each append takes *inlined* bytes of the head, or is an object.
    """
    made, every = requests.of_writing(appends, inlined), requests.appends_a_seal(inlined)
    units = [_head_units(count, inlined) for count in range(1, every + 1)]
    an_append = sum(units) / every
    a_seal = units[-1]  # the larger of before and after counts
    others = made["UpdateItem"] - appends - appends // every
    return opening_units(inlined) + (appends - 1) * an_append + appends // every * a_seal + others
