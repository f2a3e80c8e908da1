"""What a worker leaves alone that another one has followed, on the async surface."""

import pytest

from runstreams.aio import AsyncClient
from runstreams.errors import FencedOff
from tests.sdk.aio.helpers import read
from tests.sdk.in_tasks import elsewhere


@pytest.mark.parametrize("took_over", [False, True])
async def test_a_worker_that_is_canceled_leaves_its_run_to_the_one_that_followed(
    aclient: AsyncClient, run: str, took_over: bool
) -> None:
    async with aclient.streams.run(run):
        begin = aclient.streams.take_over if took_over else None
        old = await begin("k") if begin else aclient.streams.writer("k")
        await old.write("a")
        await old.drain()
        new = await elsewhere(aclient.streams.take_over, "k", target=run, close=True)
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
    assert await read(aclient, run, "k") == ["a", "b", "c"]


async def be_followed_in_the_end(
    client: AsyncClient, run: str, of_run: int, of_writer: int | None
) -> None:
    async with (
        client.streams.run(run, lease=of_run),
        await client.streams.take_over("k", lease=of_writer) as old,
    ):
        await old.write("a")
        await old.drain()
        new = await elsewhere(client.streams.take_over, "k", target=run, lease=0, close=False)
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
        new = await elsewhere(client.streams.take_over, "k", target=run, close=True)
        new.close()
        await new.wait_until_complete()
        if unsent:
            await old.write("late")


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
        await elsewhere(client.streams.take_over, "k", target=parent)
        await old.write("late")
        await old.drain()
