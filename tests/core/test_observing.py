"""What an observer is told of a log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runstreams.core.entries import Entry
from runstreams.core.errors import ChunkGap
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import JSON_TYPE, Batch, Charter, Page, StreamId, Turn
from runstreams.core.observing import Observer
from runstreams.stores.memory import MemoryStore
from runstreams.wiring import new_id
from tests.virtual_time import clock, run

STREAM = StreamId("run", "key")


class Notes(Observer):
    """Writes down what it sees, in its order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def appending(self) -> Iterator[None]:
        with self._noted("append"):
            yield

    def appended(self, chunks: int, size: int) -> None:
        self.seen.append(f"{chunks} chunks, {size} bytes")

    @contextmanager
    def sealing(self) -> Iterator[None]:
        with self._noted("seal"):
            yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        with self._noted("wait"):
            yield

    def looked(self) -> None:
        self.seen.append("look")

    def delivered(self, page: Page, waited: bool) -> None:
        self.seen.append(f"{len(page.chunks)} {'waited for' if waited else 'read'}")

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        self.seen.append(what)
        try:
            yield
        finally:
            self.seen.append(f"end of {what}")


def observed(every: int = 16) -> tuple[Log, Notes]:
    notes = Notes()
    store = MemoryStore(new_id, SealingPlan(every=every))
    log = Log(store, limits=Limits(), clock=clock, new_id=new_id, background=False, observer=notes)
    return log, notes


def batch(number: int = 0) -> Batch:
    return Batch(b"1\n2\n", 2, clock(), "client", number)


def test_an_append_is_over_when_the_sealing_that_it_found_due_is() -> None:
    async def scenario() -> list[str]:
        log, notes = observed(every=1)
        await log.append(STREAM, batch())
        return notes.seen

    assert run(scenario()) == [
        "append",
        "seal",
        "end of seal",
        "end of append",
        "2 chunks, 2 bytes",
    ]


def test_an_append_that_is_refused_ends_as_well_and_has_added_nothing() -> None:
    async def scenario() -> list[str]:
        log, notes = observed()
        with pytest.raises(ChunkGap):
            await log.append(STREAM, batch(number=7))
        return notes.seen

    assert run(scenario()) == ["append", "end of append"]


def test_only_the_looks_of_those_who_wait_are_counted() -> None:
    async def scenario() -> list[str]:
        log, notes = observed()
        await log.head(STREAM)
        await log.read(STREAM, seconds=0.15)
        await asyncio.sleep(60)
        return notes.seen

    assert run(scenario()) == ["wait", "look", "end of wait"]


def test_what_was_there_is_told_from_what_was_waited_for() -> None:
    async def scenario() -> list[str]:
        log, notes = observed()
        await log.append(STREAM, batch())
        follower = await log.follow(STREAM, silence=60)
        events = follower.events()
        await anext(events)
        waiting = asyncio.create_task(anext(events))
        await asyncio.sleep(0.1)
        await log.append(STREAM, batch(number=2))
        await waiting
        await log.read(STREAM)
        await anext(events)  # what was given out is delivered once more is asked for
        return [seen for seen in notes.seen if "waited for" in seen or "read" in seen]

    assert run(scenario()) == ["2 read", "4 read", "2 waited for"]


def test_an_entry_is_an_append_and_a_repeated_one_adds_nothing() -> None:
    async def scenario() -> list[str]:
        log, notes = observed()
        await log.found(STREAM, Charter(JSON_TYPE), Entry(b"1\n", 1))
        entry = Entry(b"22\n33\n", 2, JSON_TYPE, turn=Turn("producer", 0, 0))
        for _ in range(2):
            await log.write(STREAM, entry)
        return notes.seen

    added = ["1 chunks, 1 bytes", "append", "end of append", "2 chunks, 4 bytes"]
    assert run(scenario()) == [*added, "append", "end of append"]
