"""All figures as text, those of the processes included."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from .figures import Figures
from .sharing import alive

_EVERY_SECONDS = 1.0
"""How often a worker hands on what it has; when it is killed, the rest is lost."""


class Exposition:
    """What is told when somebody asks."""

    def __init__(self, figures: Figures, shared: str | None) -> None:
        """Tell *figures*, with those of the other workers where they have a *shared* folder."""
        self._figures = figures
        self._shared = shared
        self._registry = figures.registry
        if shared is None:
            ProcessCollector(registry=self._registry)
        else:
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry, shared)  # type: ignore[no-untyped-call]
            self._registry.register(_Processes(shared))

    async def text(self) -> bytes:
        """Return the figures as they are now; nobody has to wait while they are added up."""
        self._figures.hand_on()
        return await asyncio.to_thread(generate_latest, self._registry)

    async def keep_handed_on(self) -> None:
        """Let the other workers know the figures, until cancelled."""
        while self._shared is not None:
            self._figures.hand_on()
            await asyncio.sleep(_EVERY_SECONDS)


@dataclass(frozen=True)
class _Processes(Collector):
    """What the workers take of the machine, in sum; of what they began at, the earliest."""

    shared: str

    def collect(self) -> Iterable[Metric]:
        found: dict[str, Metric] = {}
        values: dict[str, list[float]] = {}
        for pid in alive(self.shared):
            for metric in _process(pid):
                found[metric.name] = metric
                values.setdefault(metric.name, []).append(metric.samples[0].value)
        for name, metric in found.items():
            total = min(values[name]) if "start_time" in name else sum(values[name])
            kind = CounterMetricFamily if metric.type == "counter" else GaugeMetricFamily
            yield kind(name, metric.documentation, value=total)


def _process(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()
