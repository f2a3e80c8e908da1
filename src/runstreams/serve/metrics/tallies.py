"""Figures as plain numbers, handed on to the client library when somebody asks for them.

The library locks each figure, and where several workers have it, writes it to a file at each step:
that takes three to eight times as long.
"""

from bisect import bisect_left
from collections.abc import Callable
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from prometheus_client import Counter, Gauge, Histogram

BOUNDS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Seconds up to which times are told apart: of an append here, of a request to AWS, of a wait."""


class Tally(Protocol):
    """A figure."""

    def hand_on(self) -> None:
        """Tell the library what has come since the last time."""


T = TypeVar("T", bound=Tally)


class Count:
    """How often something happened; whoever sees it adds to *more*."""

    __slots__ = ("_counter", "more")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.more = 0

    def hand_on(self) -> None:
        more, self.more = self.more, 0
        self._counter.inc(more)


class Level:
    """How much of something there is *now*."""

    __slots__ = ("_gauge", "now")

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self.now = 0

    def __enter__(self) -> None:
        self.now += 1

    def __exit__(self, *_: object) -> None:
        self.now -= 1

    def hand_on(self) -> None:
        self._gauge.set(self.now)


class Durations(Histogram):
    """A histogram that takes many times at once. It looks into the library's own:
    https://github.com/prometheus/client_python/blob/master/prometheus_client/metrics.py.
    """

    def take(self, counts: list[int], seconds: float) -> None:
        """Add so many times as *counts* says of each bucket, *seconds* in all."""
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class Times:
    """How long something took."""

    __slots__ = ("_counts", "_durations", "_seconds")

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._clear()

    def _clear(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Take note of one that took *seconds*."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def hand_on(self) -> None:
        counts, seconds = self._counts, self._seconds
        self._clear()
        self._durations.take(counts, seconds)


class Timed:
    """A block of which is noted how long it takes."""

    __slots__ = ("_began", "_times")

    def __init__(self, times: Times) -> None:
        self._times = times

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._times.add(perf_counter() - self._began)


class Family(dict[tuple[str, ...], T], Generic[T]):
    """Figures of one name by their labels, each made when it is needed first."""

    def __init__(self, make: Callable[[tuple[str, ...]], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, labels: tuple[str, ...]) -> T:
        made = self[labels] = self._make(labels)
        return made

    def hand_on(self) -> None:
        """Tell the library of each."""
        for figure in list(self.values()):
            figure.hand_on()
