"""Who is missed: pipes and writers while they are open, runs until they end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from runstreams.aio import AsyncClient
from tests.sdk.in_tasks import sleep

pytestmark = pytest.mark.also_deployed


async def pausing(gate: list[bool]) -> AsyncIterator[int]:
    yield 0
    while not gate:
        await sleep(0.01)


async def leased(client: AsyncClient, run: str, key: str | None = None) -> bool:
    return (await client.streams.describe(run, key)).leased_until is not None


async def written(client: AsyncClient, run: str, key: str | None = None) -> None:
    """Wait for the first chunk."""
    async with client.streams.read(run, key) as reader:
        async for _ in reader:
            return


async def test_an_open_pipe_holds_a_lease_and_lets_go_at_its_end(
    aclient: AsyncClient, run: str
) -> None:
    gate: list[bool] = []
    piped = aclient.streams.pipe(pausing(gate), target=run)
    await written(aclient, run)
    assert await leased(aclient, run)
    gate.append(True)
    await piped.wait_until_complete()
    assert not await leased(aclient, run)
    assert (await aclient.streams.describe(run)).closed is None


async def test_an_open_writer_holds_a_lease_before_it_writes_anything(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.writer(target=run):
        while not await aclient.streams.list(run):
            await sleep(0.01)
        assert await leased(aclient, run)
    assert not await leased(aclient, run)


async def test_a_single_append_promises_nothing(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.append("x", target=run)
    assert not await leased(aclient, run)


async def test_a_run_holds_what_was_written_in_it_and_its_record_until_its_end(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.run(run):
        await aclient.streams.pipe("piped", [1]).wait_until_complete()
        await aclient.streams.append("appended", 1)
        assert await leased(aclient, run, "piped")
        assert await leased(aclient, run, "appended")
        (record,) = [one for one in await aclient.streams.runs() if one.id == run]
        assert (record.status, record.leased_until is not None) == ("running", True)
    (record,) = [one for one in await aclient.streams.runs() if one.id == run]
    assert (record.status, record.leased_until) == ("completed", None)


async def test_a_run_within_itself_leaves_what_it_wrote_to_the_outer_one(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.run(run):
        async with aclient.streams.run(run):
            await aclient.streams.append("x")
        assert await leased(aclient, run)


async def test_what_is_written_elsewhere_is_not_the_runs_to_hold(
    aclient: AsyncClient, run: str
) -> None:
    other = f"{run}_other"
    async with aclient.streams.run(run):
        await aclient.streams.pipe([1], target=other).wait_until_complete()
        await aclient.streams.append("appended", 1, target=other)
        assert not await leased(aclient, other)
        assert not await leased(aclient, other, "appended")


async def test_none_is_held_on_request(aclient: AsyncClient, run: str) -> None:
    gate: list[bool] = []
    async with aclient.streams.run(run, lease=0):
        aclient.streams.pipe(pausing(gate))
        aclient.streams.pipe("leased", pausing(gate), lease=30)
        await written(aclient, run)
        await written(aclient, run, "leased")
        assert not await leased(aclient, run)
        assert await leased(aclient, run, "leased")
        gate.append(True)


async def test_runs_are_listed_by_how_they_are(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.run(run):
        await aclient.streams.complete(f"{run}_other", status="failed", error="out of luck")
        failed = await aclient.streams.runs(status="failed")
        assert failed[0].id == f"{run}_other"
        assert (failed[0].status, failed[0].error) == ("failed", "out of luck")
        assert run not in [one.id for one in failed]
        assert run in [one.id for one in await aclient.streams.runs(status="running")]


async def test_who_may_only_manage_a_run_completes_it_as_it_ended(
    server: Any, aclient: AsyncClient, run: str
) -> None:
    await aclient.streams.append("x", target=run)
    token = aclient.auth.create_public_token(manage=[run])
    async with AsyncClient(server.url, token) as manager:
        info = await manager.streams.complete(run, status="canceled", error="no more")
    assert (info.status, info.error) == ("canceled", "no more")
    closed = (await aclient.streams.describe(run)).closed
    assert closed is not None
    assert (closed.status, closed.error) == ("canceled", "no more")
