"""What is measured and how it is summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Unit = Literal["ms", "/s", "MiB/s", "MiB"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row's result: a time, or a rate beside which the time of one request may stand."""

    value: float
    unit: Unit
    p99: float | None = None
    """In milliseconds."""


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time within which *share* of *times* lie."""
    ordered = sorted(times)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def latency(times: Sequence[float]) -> Figure:
    """Sum up times in seconds."""
    return Figure(quantile(times, 0.5) * 1000, "ms", quantile(times, 0.99) * 1000)


def rate(count: int, seconds: float, times: Sequence[float]) -> Figure:
    """Sum up *count* things done in *seconds*, by requests that took *times*."""
    return Figure(count / seconds, "/s", quantile(times, 0.99) * 1000)


def combined(runs: Sequence[Figure]) -> Figure:
    """Return the median of several runs: of their values, and of their p99s."""
    p99s = [run.p99 for run in runs if run.p99 is not None]
    return Figure(median(run.value for run in runs), runs[0].unit, median(p99s) if p99s else None)


def ratio(ours: Figure, theirs: Figure) -> float:
    """Return how many times as good ours is."""
    return theirs.value / ours.value if ours.unit in ("ms", "MiB") else ours.value / theirs.value
