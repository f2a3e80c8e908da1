"""What the functions measure: lines in the log (EMF) that CloudWatch makes metrics of.

They cost no call and no permission. A metric is told once an invocation, so what happens several
times in one, like polls of a head, is added up first.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from ..core.observing import Observer

NAME = "runstreams"
"""What logs, metrics and traces have us under, unless the environment says otherwise."""


def namespace(environ: Mapping[str, str]) -> str:
    """Return the namespace of the metrics: each stack has its own."""
    return environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAME


def count_request(metrics: Metrics) -> None:
    """Take note of a request."""
    metrics.add_metric("Requests", MetricUnit.Count, 1)


def count_answer(metrics: Metrics, status: int) -> None:
    """Take note of whether a request has failed."""
    metrics.add_metric("Failures", MetricUnit.Count, int(status >= 500))


class Measuring(Observer):
    """Makes metrics of what a log does."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._looks = 0

    def appending(self) -> AbstractContextManager[object]:
        return self._timed("AppendLatency")

    def appended(self, chunks: int, size: int) -> None:
        self._metrics.add_metric("Appends", MetricUnit.Count, 1)
        self._metrics.add_metric("Chunks", MetricUnit.Count, chunks)
        self._metrics.add_metric("Bytes", MetricUnit.Bytes, size)

    def sealing(self) -> AbstractContextManager[object]:
        return self._timed("SealingTime")

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self._looks = 0
        try:
            with self._timed("WaitTime"):
                yield
        finally:
            self._metrics.add_metric("HeadPolls", MetricUnit.Count, self._looks)

    def looked(self) -> None:
        self._looks += 1

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            milliseconds = (perf_counter() - began) * 1000
            self._metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)
