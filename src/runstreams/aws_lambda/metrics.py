"""What the functions measure: lines in the log (EMF) that CloudWatch makes metrics of.

They cost no call and no permission. A metric is told once an invocation, so what happens several
times in one, like polls of a head, is added up first.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from ..core.log import Log
from ..core.model import Appended, Batch, Head, StreamId
from ..core.ports import Store
from ..core.reading import Lookup
from ..core.seal_schedule import Seal, SealSchedule
from ..core.waiting import Watches


def namespace(environ: Mapping[str, str]) -> str:
    """Return the namespace of the metrics: each stack has its own."""
    return environ.get("POWERTOOLS_METRICS_NAMESPACE") or "runstreams"


class MeasuredLog(Log):
    """A log that measures what is done to it."""

    def __init__(
        self, metrics: Metrics, store: Store, *, time_left: Callable[[], int], **settings: Any
    ) -> None:
        """Seal inside of the appends, as there is no other time in a function."""
        super().__init__(store, background=False, time_left=time_left, **settings)
        self._metrics = metrics
        self._seals = _MeasuredSeals(metrics, self._sealer, False, time_left)
        self._looks = _CountingLookup(store, self.limits, self.clock)
        self._watches = Watches(self._looks, self.clock)

    async def append(self, stream: StreamId, batch: Batch) -> Appended:
        with _timed(self._metrics, "AppendLatency"):
            answer = await super().append(stream, batch)
        if answer.first is not None and answer.last is not None:
            added = answer.last - answer.first + 1
            self._metrics.add_metric("Appends", MetricUnit.Count, 1)
            self._metrics.add_metric("Chunks", MetricUnit.Count, added)
            self._metrics.add_metric("Bytes", MetricUnit.Bytes, batch.size)
        return answer

    async def beyond(
        self, stream: StreamId, seen: Head | None, index: int, seconds: float
    ) -> Head | None:
        self._looks.count = 0
        try:
            with _timed(self._metrics, "WaitTime"):
                return await super().beyond(stream, seen, index, seconds)
        finally:
            self._metrics.add_metric("HeadPolls", MetricUnit.Count, self._looks.count)


class _MeasuredSeals(SealSchedule):
    def __init__(self, metrics: Metrics, *settings: Any) -> None:
        super().__init__(*settings)
        self._metrics = metrics

    async def _quietly(self, seal: Seal, stream: StreamId) -> None:
        with _timed(self._metrics, "SealingTime"):
            await super()._quietly(seal, stream)


class _CountingLookup(Lookup):
    count = 0

    async def head(self, *where: Any, **how: Any) -> Head | None:
        self.count += 1
        return await super().head(*where, **how)


@contextmanager
def _timed(metrics: Metrics, name: str) -> Iterator[None]:
    began = perf_counter()
    try:
        yield
    finally:
        metrics.add_metric(name, MetricUnit.Milliseconds, (perf_counter() - began) * 1000)
