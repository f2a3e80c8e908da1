"""A program that has OpenTelemetry set up, does one thing, and prints its spans as lines of JSON.

python -m tests.sdk.traced WHAT [ARGUMENT]...
"""

import asyncio
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runstreams import aio, streams
from runstreams.cli import main

RUN, KEY = "run_1", "words"


def write() -> None:
    with trace.get_tracer("test").start_as_current_span("mine"), streams.run(RUN):
        streams.pipe(KEY, ["to", "be"]).wait_until_complete()


def append_twice() -> None:
    tracer = trace.get_tracer("test")
    with streams.run(RUN):
        for name in ("one", "two"):
            with tracer.start_as_current_span(name):
                streams.append(KEY, name)


def read() -> None:
    assert [*streams.read(RUN, KEY)] == ["to", "be"]


def read_run() -> None:
    assert [chunk.data for chunk in streams.read_run(RUN)] == ["to", "be"]


async def awrite() -> None:
    with trace.get_tracer("test").start_as_current_span("mine"):
        async with aio.streams.run(RUN):
            await aio.streams.pipe(KEY, ["to", "be"]).wait_until_complete()


async def aread() -> None:
    assert [word async for word in aio.streams.read(RUN, KEY)] == ["to", "be"]


def serve() -> None:
    main(["serve", *sys.argv[2:]])


WHAT = {
    "write": write,
    "append_twice": append_twice,
    "read": read,
    "read_run": read_run,
    "awrite": lambda: asyncio.run(awrite()),
    "aread": lambda: asyncio.run(aread()),
    "serve": serve,
}

if __name__ == "__main__":
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    WHAT[sys.argv[1]]()
    for span in memory.get_finished_spans():
        print(span.to_json(indent=None))
