"""Spans for what is sent and read, where the program has set OpenTelemetry up.

Whoever has, has imported it. So it is looked for among what is imported, and without it nothing of
this costs anything. Work in the engine has the context of who began it: its spans are their span's.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .._version import __version__
from ..core.errors import RunstreamsError
from ..core.model import StreamId
from ..core.tracing import asking

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind, Tracer

    from .transport import Transport

_API = "opentelemetry.trace"

_LINKS = 32
"""Most streams of a run whose openers its reader's span links to: each is asked for."""


class ReadTrace:
    """One reader's span; without one, nothing."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span
        self._linked = set[StreamId]()

    async def link(self, transport: "Transport", stream: StreamId) -> None:
        """Link to the trace of who opened *stream*, of which chunks have come."""
        if self._span is None or stream in self._linked or len(self._linked) == _LINKS:
            return
        self._linked.add(stream)
        with suppress(RunstreamsError):  # it is read all the same
            _link(self._span, (await transport.describe(stream)).traceparent)


@contextmanager
def sending(stream: StreamId, chunks: int, size: int) -> Iterator[None]:
    """Be in the span of a batch of so many *chunks*, while it is sent to *stream*."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    told = {"messaging.batch.message_count": chunks, "messaging.message.body.size": size}
    with _span(tracer, "runstreams.append", "PRODUCER", stream.run, stream.key, told):
        yield


@contextmanager
def reading(run: str, key: str | None = None) -> Iterator[ReadTrace]:
    """Be in the span of a reader of a stream, or of all streams of *run*."""
    tracer = _tracer()
    if tracer is None:
        yield ReadTrace()
        return
    with _span(tracer, "runstreams.read", "CONSUMER", run, key, {}) as span:
        yield ReadTrace(span)


@contextmanager
def going_on() -> Iterator[None]:
    """Let what is asked be part of the trace of whoever began it, without a span of its own."""
    if _tracer() is None:
        yield
        return
    with _asking(sys.modules[_API].get_current_span()):
        yield


def _tracer() -> "Tracer | None":
    api = sys.modules.get(_API)
    if api is None or isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        return None
    tracer: Tracer = api.get_tracer("runstreams", __version__)
    return tracer


@contextmanager
def _span(
    tracer: "Tracer", name: str, kind: str, run: str, key: str | None, told: dict[str, int]
) -> "Iterator[Span]":
    said: dict[str, str | int] = {"messaging.system": "runstreams", "runstreams.run": run, **told}
    if key is not None:
        said["messaging.destination.name"] = key
    spanning = tracer.start_as_current_span(name, kind=_kind(kind), attributes=said)
    with spanning as span, _asking(span):
        yield span


@contextmanager
def _asking(span: "Span") -> Iterator[None]:
    """Let what is asked of a server be part of the trace of *span*."""
    before = asking.get()
    if span.get_span_context().is_valid:
        asking.set(_traceparent(span))
    try:
        yield
    finally:
        asking.set(before)


def _kind(name: str) -> "SpanKind":
    kind: SpanKind = sys.modules[_API].SpanKind[name]
    return kind


def _traceparent(span: "Span") -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _link(span: "Span", traceparent: str | None) -> None:
    if traceparent is None:
        return
    api = sys.modules[_API]
    _, trace, parent, flags = traceparent.split("-")
    sampled = api.TraceFlags(int(flags, 16))
    span.add_link(api.SpanContext(int(trace, 16), int(parent, 16), True, sampled))
