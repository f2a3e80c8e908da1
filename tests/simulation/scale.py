"""How much AWS lets through, and how many streams take that much: what breaks first at what scale.

A live stream is the one of `runstreams cost`, with its defaults: what it takes a second is the
requests of its whole life, divided by its seconds. Quotas are AWS's defaults of November 2026.
"""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from runstreams.core.limits import POLL_FIRST_SECONDS
from runstreams.costs.bill import (
    CLIENT_BYTES,
    HEAD_BYTES,
    INLINE_APPEND_SECONDS,
    INLINE_SEAL_SECONDS,
    LEASE_BYTES,
    Load,
    opening_units,
    write_units,
)
from runstreams.costs.requests import appends_a_seal, of_following, of_writing
from runstreams.stores.aws.codec import SHARDS
from tests.functions.template import template

PARTITION_WRITES, PARTITION_READS = 1_000, 3_000
"""Write and read units a second of one partition of DynamoDB, and so of one run."""

INDEX_UNITS = 1
"""Of an opening, in another partition: the run's record in the index."""

PARAMETER = "a parameter of the deployment"

SCALES = (10, 1_000, 100_000, 1_000_000)


class Quota(NamedTuple):
    """Something that AWS gives so much of."""

    name: str
    takes: float
    """Of it, each live stream."""
    quota: float
    kind: str
    """Whose quota, and whether it is raised on request."""

    @property
    def streams(self) -> int:
        """How many live streams are too many."""
        return ceil(self.quota / self.takes)


def quotas(load: Load | None = None) -> list[Quota]:
    """Return what live streams like *load* use up, the first first."""
    return sorted(_quotas(load or Load()), key=lambda each: each.streams)


def _quotas(load: Load) -> Iterator[Quota]:
    seconds, appends = load.seconds, load.appends
    writing, calls = of_writing(appends, load.inlined), appends + 1
    following = of_following(appends, seconds, POLL_FIRST_SECONDS, appends, load.inlined)
    seals = appends // appends_a_seal(load.inlined)
    busy = (calls * INLINE_APPEND_SECONDS + (seals + 1) * INLINE_SEAL_SECONDS) / seconds
    # Whatever is put is deleted again, but for the last segment.
    puts = (2 * writing["PutObject"] - 1) / seconds
    gets = (writing["GetObject"] + following["GetObject"]) / seconds
    reads = (writing["GetItem"] + following["GetItem"] + following["poll"] / 2) / seconds
    writes = write_units(appends, load.inlined) / seconds
    yield Quota("environments of Lambda at a time", 1 + busy, 1_000, "account, raised")
    asked = (calls + appends) / seconds
    yield Quota("requests a second by `RequestRate`", asked, _usual("RequestRate"), PARAMETER)
    yield Quota("requests a second to all HTTP APIs", asked, 10_000, "account, raised")
    for name, takes in (("Write", writes), ("Read", reads)):
        parameter, unit = f"TableMax{name}Units", f"{name.lower()} units a second"
        yield Quota(f"{unit} by `{parameter}`", takes, _usual(parameter), PARAMETER)
        yield Quota(f"{unit} of a table", takes, 40_000, "table, raised")
    yield Quota("puts and deletes a second of an undivided bucket", puts, 3_500, "S3 divides it")
    yield Quota("gets a second of an undivided bucket", gets, 5_500, "S3 divides it")
    yield Quota("new runs a second in the index", 1 / seconds, SHARDS * PARTITION_WRITES, "fixed")


def _usual(parameter: str) -> float:
    return float(template()["Parameters"][parameter]["Default"])


def append_units(writers: int) -> float:
    """Return the write units of an append, sealing included, to a stream that remembers so many
    *writers*, one of whom holds a lease.
    """
    fixed, inlined = HEAD_BYTES + LEASE_BYTES + CLIENT_BYTES * writers, Load().inlined
    every = appends_a_seal(inlined)
    sizes = [ceil((fixed + inlined * count) / 1024) for count in range(1, every + 1)]
    return (sum(sizes) + sizes[-1]) / every


def of_one_run() -> list[tuple[str, float]]:
    """Return what one run takes a second, and how many readers at a time."""
    opening = opening_units(Load().inlined) - INDEX_UNITS
    return [
        ("appends a second, one writer a stream", PARTITION_WRITES / append_units(1)),
        ("appends a second, ten writers a stream", PARTITION_WRITES / append_units(10)),
        ("appends a second, a hundred writers a stream", PARTITION_WRITES / append_units(100)),
        (
            "streams opened a second",
            PARTITION_WRITES / opening,
        ),
        ("readers, each looking ten times a second", PARTITION_READS * POLL_FIRST_SECONDS / 0.5),
    ]


def lines() -> Iterator[str]:
    """Yield the lines of the tables in docs/scale.md that are computed."""
    for name, most in of_one_run():
        yield f"| {name} | {most:,.0f} |"
    for each in quotas():
        takes = f"{each.takes:.2f}" if each.takes < 100 else f"{each.takes:,.0f}"
        yield f"| {each.name} | {takes} | {each.quota:,.0f} | {each.streams:,} | {each.kind} |"
    for streams in SCALES:
        over = [f"{each.name} {_times(streams / each.streams)}" for each in over_at(streams)]
        yield f"| {streams:,} | {'; '.join(over) or 'nothing'} |"


def over_at(streams: int) -> list[Quota]:
    """Return what so many live streams take more of than there is, the first first."""
    return [each for each in quotas() if each.streams <= streams]


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


if __name__ == "__main__":
    print(*lines(), sep="\n")
