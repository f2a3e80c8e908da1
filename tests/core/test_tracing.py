"""A stream keeps the trace of who opened it, and nothing else of any trace."""

import pytest

from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, StreamId
from runstreams.core.tracing import asking
from runstreams.testing.memory import memory_log

STREAM = StreamId("run", "key")
ONE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01"


async def append(log: Log, trace: str) -> None:
    asking.set(trace)
    await log.append(STREAM, Batch(b"1\n", 1, log.clock()))


async def kept_by(log: Log) -> str | None:
    asking.set("")
    described = await log.describe(STREAM)
    assert described is not None
    return described.traceparent


async def test_who_opened_it_counts_and_not_who_appends() -> None:
    log = memory_log()
    await append(log, ONE)
    await append(log, OTHER)
    assert await kept_by(log) == ONE


async def test_a_stream_begun_anew_is_of_another_trace() -> None:
    log = memory_log()
    await append(log, ONE)
    await log.delete(STREAM)
    await append(log, OTHER)
    assert await kept_by(log) == OTHER


async def test_it_can_be_closed_and_read_like_any_other() -> None:
    log = memory_log()
    await append(log, ONE)
    await append(log, "")
    await log.close(STREAM, Closed("completed"))
    page = await log.read(STREAM)
    assert [chunk.data for chunk in page.chunks] == [b"1", b"1"]
    assert page.closed == Closed("completed")


@pytest.mark.parametrize("trace", ["", "nonsense", ONE[:-1] + "0", ONE[:-1], "01" + ONE[2:]])
async def test_what_nobody_would_find_is_not_kept(trace: str) -> None:
    log = memory_log()
    await append(log, trace)
    assert await kept_by(log) is None
