"""Every figure that a server tells, by its name.

Their labels are routes, methods, states and codes, of which there are few: never a run or a key.
"""

import platform
from typing import Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from ..._version import __version__
from .tallies import BOUNDS, Count, Durations, Family, Level, T, Tally, Times

_Figure = TypeVar("_Figure", bound=MetricWrapperBase)


class Figures:
    """The figures of one process."""

    def __init__(self, store: str) -> None:
        """Begin at nothing; the streams are in a *store* of this name."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._tallies: list[Tally] = []
        self.requests = self._counts(
            "requests",
            "Requests, by status; 0: none, as the client had gone",
            "route method status",
        )
        self.request_seconds = self._times(
            "request_seconds", "From a request's head to that of its answer", "route"
        )
        self.refusals = self._counts("refusals", "Errors that ended a request", "code")
        self.sent_bytes = self._count("sent_bytes", "Bytes of answers, without their heads")
        self.readers = self._levels("readers", "Readers that wait", "kind")
        self.appends = self._count("appends", "Appends that were stored; a resend is none")
        self.chunks = self._count("chunks", "Chunks that were stored")
        self.bytes = self._count("bytes", "Bytes of chunks that were stored")
        self.append_seconds = self._one_time("append_seconds", "An append, to its commit")
        self.sealing_seconds = self._one_time("sealing_seconds", "Sealing")
        self.head_polls = self._count("head_polls", "Looks at a head for readers that wait")
        self.delivered = self._counts("delivered_chunks", "Chunks for readers", "waited")
        self.delivery_seconds = self._one_time(
            "delivery_seconds", "From an append to a reader that waited for it"
        )
        self.store_seconds = self._times(
            "store_seconds",
            "What a store does; outcome is ok or an error's code",
            "operation outcome",
        )
        self.opened = self._count("streams_opened", "Streams that were opened")
        self.lost = self._count("streams_lost", "Streams whose producer was lost")
        self._gauge("workers", "Processes that serve").set(1)
        told = self._gauge("build_info", "What runs here", "version python store", "max")
        told.labels(__version__, platform.python_version(), store).set(1)

    def hand_on(self) -> None:
        """Tell the library what has come since the last time."""
        for tally in self._tallies:
            tally.hand_on()

    def _count(self, name: str, text: str) -> Count:
        return self._counts(name, text, "")[()]

    def _counts(self, name: str, text: str, labels: str) -> Family[Count]:
        counter = Counter(f"runstreams_{name}", text, labels.split(), registry=self.registry)
        return self._kept(Family(lambda values: Count(_labelled(counter, values))))

    def _one_time(self, name: str, text: str) -> Times:
        return self._times(name, text, "")[()]

    def _times(self, name: str, text: str, labels: str) -> Family[Times]:
        durations = Durations(
            f"runstreams_{name}", text, labels.split(), buckets=BOUNDS, registry=self.registry
        )
        return self._kept(Family(lambda values: Times(_labelled(durations, values))))

    def _levels(self, name: str, text: str, labels: str) -> Family[Level]:
        gauge = self._gauge(name, text, labels)
        return self._kept(Family(lambda values: Level(_labelled(gauge, values))))

    def _gauge(
        self,
        name: str,
        text: str,
        labels: str = "",
        over_all: Literal["livesum", "max"] = "livesum",
    ) -> Gauge:
        return Gauge(
            f"runstreams_{name}",
            text,
            labels.split(),
            registry=self.registry,
            multiprocess_mode=over_all,
        )

    def _kept(self, family: Family[T]) -> Family[T]:
        self._tallies.append(family)
        return family


def _labelled(figure: _Figure, labels: tuple[str, ...]) -> _Figure:
    return figure.labels(*labels) if labels else figure
