"""What an observer is told of a log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runstreams.core.errors import ChunkGap
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Appended, Batch, StreamId
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

    def appended(self, batch: Batch, answer: Appended) -> None:
        self.seen.append(f"{batch.count} of {answer.tail}")

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

    assert run(scenario()) == ["append", "seal", "end of seal", "end of append", "2 of 2"]


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
