"""What a worker leaves alone that another one has followed, however it ends."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from runstreams.aio import AsyncClient
from runstreams.core.model import StreamId
from runstreams.errors import FencedOff
from runstreams.sdk.run_leases import RunLeases
from tests.sdk.aio.helpers import read

T = TypeVar("T")
NOWHERE = contextvars.copy_context()
STREAM = StreamId("run", "key")


async def elsewhere(doing: Coroutine[Any, Any, T]) -> T:
    """Do something as another process does: in no run."""
    return await asyncio.create_task(doing, context=NOWHERE.copy())


@pytest.mark.parametrize("took_over", [False, True])
async def test_a_worker_that_is_canceled_leaves_its_run_to_the_one_that_followed(
    aclient: AsyncClient, run: str, took_over: bool
) -> None:
    async with aclient.streams.run(run):
        begin = aclient.streams.take_over if took_over else None
        old = await begin("k") if begin else aclient.streams.writer("k")
        await old.write("a")
        await old.drain()
        new = await elsewhere(aclient.streams.take_over("k", target=run, close=True))
        old._producer.cancel()
    assert (await aclient.streams.describe_run(run)).completed is None
    async with new:
        await new.write("b")
    assert await read(aclient, run, "k") == ["a", "b"]


@pytest.mark.parametrize("of_run", [0, 60])
@pytest.mark.parametrize("of_writer", [0, 60, None])
async def test_a_worker_that_has_sent_all_asks_whether_it_was_followed(
    aclient: AsyncClient, run: str, of_run: int, of_writer: int | None
) -> None:
    """Whatever it promises: the one that followed has only begun."""
    with pytest.raises(FencedOff):
        await be_followed_in_the_end(aclient, run, of_run, of_writer)
    assert (await aclient.streams.describe_run(run)).completed is None
    await aclient.streams.append("k", "c", target=run)
    assert await read_so_far(aclient, run) == ["a", "b", "c"]


async def be_followed_in_the_end(
    client: AsyncClient, run: str, of_run: int, of_writer: int | None
) -> None:
    async with (
        client.streams.run(run, lease=of_run),
        await client.streams.take_over("k", lease=of_writer) as old,
    ):
        await old.write("a")
        await old.drain()
        new = await elsewhere(client.streams.take_over("k", target=run, lease=0, close=False))
        await new.write("b")
        await new.drain()
        new._producer.abandon()


@pytest.mark.parametrize("unsent", [False, True])
@pytest.mark.parametrize("close", [False, None, True])
async def test_a_worker_whose_stream_was_ended_by_the_one_that_followed_leaves_the_run_to_it(
    aclient: AsyncClient, run: str, close: bool | None, unsent: bool
) -> None:
    """That one may have more to write in the run."""
    with pytest.raises(FencedOff):
        await be_followed_to_the_end(aclient, run, close, unsent)
    assert (await aclient.streams.describe_run(run)).completed is None


async def be_followed_to_the_end(
    client: AsyncClient, run: str, close: bool | None, unsent: bool
) -> None:
    async with (
        client.streams.run(run),
        await client.streams.take_over("k", close=close, lease=0) as old,
    ):
        await old.write("a")
        await old.drain()
        new = await elsewhere(client.streams.take_over("k", target=run, close=True))
        new.close()
        await new.wait_until_complete()
        if unsent:
            await old.write("late")


async def read_so_far(client: AsyncClient, run: str) -> list[Any]:
    return [chunk async for chunk in client.streams.read(run, "k", timeout=0)]


async def test_a_run_is_completed_that_wrote_to_a_stream_of_its_parent_which_was_taken_over(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(FencedOff):
        await write_late_to_parent(aclient, run)
    assert (await aclient.streams.describe_run(f"{run}_child")).completed is not None
    assert (await aclient.streams.describe_run(run)).completed is None


async def write_late_to_parent(client: AsyncClient, parent: str) -> None:
    async with client.streams.run(f"{parent}_child", parent=parent):
        old = await client.streams.take_over("k", target="parent")
        await elsewhere(client.streams.take_over("k", target=parent))
        await old.write("late")
        await old.drain()


async def test_a_promise_that_was_handed_over_meanwhile_is_kept() -> None:
    """The answer to one that was made before may come later."""
    leases = RunLeases(Refusing(), "run", 60)  # type: ignore[arg-type]
    leases.take(STREAM, 0)
    promising = asyncio.create_task(leases._hold(STREAM))
    await asyncio.sleep(0)
    leases.take(STREAM, 1)
    await promising
    assert leases._streams == {STREAM: 1}
    await leases._hold(STREAM)
    assert leases._streams == {}


class Refusing:
    """An engine whose server keeps everybody out, after a moment."""

    def patience(self, doing: object) -> None:
        return None

    async def persist(self, promise: object, patience: object) -> None:
        await asyncio.sleep(0.01)
        raise FencedOff("another writer has taken the stream over", fence=2)
