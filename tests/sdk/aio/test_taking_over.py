"""Taking a stream over, on the async surface at a real server."""

from collections.abc import Callable
from typing import Any

import pytest

from runstreams.aio import AsyncClient
from runstreams.errors import FencedOff, StreamClosed
from tests.sdk.aio.helpers import read


@pytest.mark.also_deployed
async def test_a_writer_of_before_is_refused_and_the_new_one_goes_on(
    aclient: AsyncClient, run: str
) -> None:
    old = aclient.streams.writer("k", target=run, close=True)
    await old.write("so")
    await old.drain()
    async with await aclient.streams.take_over("k", target=run, close=True) as new:
        await old.write("late")
        with pytest.raises(FencedOff) as refused:
            await old.wait_until_complete()
        assert refused.value.fence == 1
        assert (new.next_index, await new.stored()) == (1, ["so"])
        await new.write("it goes")
    assert await read(aclient, run, "k") == ["so", "it goes"]


async def test_a_pipe_of_before_that_has_nothing_left_to_send_does_not_close_the_stream(
    aclient: AsyncClient, run: str
) -> None:
    old = aclient.streams.writer("k", target=run, close=True)
    await old.write("all")
    await old.drain()
    new = await aclient.streams.take_over("k", target=run)
    old.close()
    with pytest.raises(FencedOff):
        await old.wait_until_complete()
    assert (await aclient.streams.describe(run, "k")).closed is None
    new.close()
    assert await new.wait_until_complete() is None


async def test_each_start_keeps_out_the_one_before_though_it_has_written_nothing(
    aclient: AsyncClient, run: str
) -> None:
    first = await aclient.streams.take_over("k", target=run)
    second = await aclient.streams.take_over("k", target=run)
    await first.write("late")
    with pytest.raises(FencedOff):
        await first.drain()
    async with second:
        await second.write("now")
    assert await read(aclient, run, "k") == ["now"]


async def test_a_run_of_before_is_left_to_whoever_has_taken_its_stream_over(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(FencedOff):
        await write_late(aclient, run)
    assert (await aclient.streams.describe_run(run)).completed is None


async def write_late(client: AsyncClient, run: str) -> None:
    async with client.streams.run(run):
        old = await client.streams.take_over("k")
        await client.streams.take_over("k")
        await old.write("late")
        await old.drain()


async def end_late(client: AsyncClient, run: str) -> None:
    async with await client.streams.take_over("k", target=run) as old:
        await old.write("all")
        await old.drain()
        (await client.streams.take_over("k", target=run)).close()


async def end_run_late(client: AsyncClient, run: str) -> None:
    async with client.streams.run(run):
        await end_late(client, run)


@pytest.mark.parametrize("late", [end_late, end_run_late])
async def test_one_that_has_nothing_left_to_send_is_told_at_its_end(
    aclient: AsyncClient, run: str, late: Callable[[AsyncClient, str], Any]
) -> None:
    """Else it would complete its run, and end the stream of who has taken over."""
    with pytest.raises(FencedOff):
        await late(aclient, run)
    assert (await aclient.streams.describe(run, "k")).closed is None


async def test_single_appends_and_writers_that_begin_later_are_not_refused(
    aclient: AsyncClient, run: str
) -> None:
    async with await aclient.streams.take_over("k", target=run) as new:
        await new.write(0)
        await new.drain()
        await aclient.streams.append("k", 1, target=run)
        async with aclient.streams.writer("k", target=run) as beside:
            for number in (2, 3):
                await beside.write(number)
                await beside.drain()
    assert await read(aclient, run, "k") == [0, 1, 2, 3]


async def test_what_is_stored_is_as_defined(aclient: AsyncClient, run: str) -> None:
    numbers = aclient.streams.define("k", set[int])
    await numbers.append({1}, target=run)
    async with await numbers.take_over(target=run) as new:
        assert await new.stored() == [{1}]


async def test_what_has_ended_is_not_taken_over(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.close("k", target=run)
    with pytest.raises(StreamClosed):
        await aclient.streams.take_over("k", target=run)
