"""`streams.run` of the async surface: what happens inside, and at its end."""

from collections.abc import AsyncIterator

import pytest

from runstreams.aio import AsyncClient, Closed, Timeouts, streams
from runstreams.core.model import Status
from runstreams.errors import NoRun, NotSent, NotThere, RunCompleted, Unreachable
from runstreams.sdk.runs import current_run
from runstreams.testing import in_memory
from runstreams.wiring import now
from tests.sdk.aio.helpers import failing, read, slowly, together
from tests.sdk.in_tasks import sleep
from tests.sdk.scripted import Scripted, memory_log


@pytest.mark.also_deployed
async def test_inside_a_run_its_streams_are_meant(aclient: AsyncClient) -> None:
    async with aclient.streams.run() as run:
        await aclient.streams.append("a")
        await aclient.streams.append("b", target="self")
    assert await read(aclient, run.id) == ["a", "b"]


async def test_afterwards_there_is_no_run_any_more(aclient: AsyncClient) -> None:
    async with aclient.streams.run():
        pass
    with pytest.raises(NoRun):
        await aclient.streams.append("a")


@pytest.mark.also_deployed
async def test_parent_and_root_are_the_runs_above(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.run(f"{run}c", parent=f"{run}b", root=f"{run}a") as inside:
        assert (inside.id, inside.parent, inside.root) == (f"{run}c", f"{run}b", f"{run}a")
        await aclient.streams.append("to parent", target="parent")
        await aclient.streams.append("to root", target="root")
    assert await read(aclient, f"{run}b") == ["to parent"]
    assert await read(aclient, f"{run}a") == ["to root"]


async def test_without_anything_above_a_run_is_its_own_parent(aclient: AsyncClient) -> None:
    async with aclient.streams.run() as run:
        await aclient.streams.append("a", target="parent")
        await aclient.streams.append("b", target="root")
    assert await read(aclient, run.id) == ["a", "b"]


async def test_a_run_in_a_run_is_its_child(aclient: AsyncClient) -> None:
    async with (
        aclient.streams.run() as root,
        aclient.streams.run() as middle,
        aclient.streams.run() as leaf,
    ):
        assert (leaf.parent, leaf.root) == (middle.id, root.id)
        await aclient.streams.append("up", target="root")
        await aclient.streams.append("here")
    assert await read(aclient, root.id) == ["up"]
    assert await read(aclient, leaf.id) == ["here"]


async def test_the_server_knows_what_is_above_the_parent(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.run(f"{run}b", parent=f"{run}a"):
        pass
    async with aclient.streams.run(f"{run}c", parent=f"{run}b") as leaf:
        assert leaf.root == f"{run}a"


async def test_the_environment_may_name_the_run(
    aclient: AsyncClient, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNSTREAMS_RUN_ID", run)
    monkeypatch.setenv("RUNSTREAMS_PARENT_RUN_ID", f"{run}p")
    await aclient.streams.append("a")
    await aclient.streams.append("b", target="parent")
    assert await read(aclient, run) == ["a"]
    assert await read(aclient, f"{run}p") == ["b"]


@pytest.mark.also_deployed
async def test_at_its_end_everything_is_sent_and_the_run_completed(aclient: AsyncClient) -> None:
    async with aclient.streams.run() as run:
        aclient.streams.pipe("words", slowly(range(30), 0.005))
        writer = aclient.streams.writer("logs", execute=lambda writer: writer.write("x"))
    assert await read(aclient, run.id, "words", timeout=60) == list(range(30))
    assert await read(aclient, run.id, "logs", timeout=60) == ["x"]
    assert (await aclient.streams.describe(run.id, "words")).closed == Closed("completed")
    assert await writer.wait_until_complete() == 0


async def test_what_is_begun_for_another_run_is_sent_too(aclient: AsyncClient, run: str) -> None:
    async with aclient.streams.run():
        aclient.streams.pipe(slowly(range(10), 0.005), target=run)
    assert await read(aclient, run) == list(range(10))


async def raise_inside(client: AsyncClient, run: str, error: BaseException) -> None:
    async with client.streams.run(run):
        client.streams.pipe("words", slowly(range(5), 0.005))
        await client.streams.append("closed", 1)
        await client.streams.close("closed")
        raise error


@pytest.mark.also_deployed
@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (LookupError("gone"), Closed("failed", "LookupError: gone")),
        (KeyboardInterrupt(), Closed("canceled", "KeyboardInterrupt: ")),
        (SystemExit(1), Closed("failed", "SystemExit: 1")),
        (SystemExit(0), Closed("completed")),
    ],
    ids=["error", "interrupt", "exit 1", "exit 0"],
)
async def test_a_run_that_raises_says_so_at_the_end_of_each_open_stream(
    aclient: AsyncClient, run: str, error: BaseException, ended: Closed
) -> None:
    with pytest.raises(type(error)):
        await raise_inside(aclient, run, error)
    assert (await aclient.streams.describe(run, "words")).closed == ended
    assert (await aclient.streams.describe(run, "closed")).closed == Closed("completed")
    [info] = [each for each in await aclient.streams.runs() if each.id == run]
    assert (info.status, info.error) == (ended.status, ended.error)
    found = await read(aclient, run, "words", timeout=60, strict=False)
    # Whoever interrupts does not wait for the source.
    assert found == list(range(5 if ended.status != "canceled" else len(found)))


async def fail_unseen(client: AsyncClient, run: str, times: int = 1) -> None:
    async with client.streams.run(run):
        for number in range(times):
            client.streams.pipe(f"k{number}", failing(1))


async def test_a_pipe_that_failed_and_nobody_waited_for_fails_the_run(
    aclient: AsyncClient, run: str
) -> None:
    with pytest.raises(LookupError):
        await fail_unseen(aclient, run)
    closed = (await aclient.streams.describe(run, "k0")).closed
    assert closed == Closed("failed", "LookupError: the model is gone")


async def test_several_of_them_come_together(aclient: AsyncClient, run: str) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        await fail_unseen(aclient, run, 3)
    assert [type(error) for error in caught.value.exceptions] == [LookupError] * 3


async def test_a_failure_that_was_seen_is_not_raised_again(aclient: AsyncClient) -> None:
    async with aclient.streams.run() as run:
        piped = aclient.streams.pipe(failing(1))
        with pytest.raises(LookupError):
            await piped.wait_until_complete()
        await aclient.streams.append("other", 1)
    assert (await aclient.streams.describe(run.id, "other")).closed == Closed("completed")


def in_this_process(flush: float, transport: Scripted | None = None) -> AsyncClient:
    """Return a client whose sending is quick also beside a busy machine."""
    way = transport or Scripted(memory_log(now))
    return AsyncClient(token="x", timeouts=Timeouts(flush=flush), transport=lambda: way)


async def test_a_run_waits_for_its_sources_however_long_they_take(run: str) -> None:
    async with in_this_process(flush=1) as client:
        async with client.streams.run(run):
            client.streams.pipe(slowly([0, 1], 2))
        assert await read(client, run) == [0, 1]
        assert (await client.streams.describe(run)).closed == Closed("completed")


async def test_so_does_a_client_at_its_end(run: str) -> None:
    async with in_this_process(flush=1) as client:
        piped = client.streams.pipe(slowly([0, 1], 2), target=run)
    assert await piped.wait_until_complete() == 1


async def send_nothing(run: str) -> None:
    transport = Scripted(memory_log(now))
    transport.fail("append", *[Unreachable("the server is away")] * 1000)
    async with in_this_process(0.1, transport) as client, client.streams.run(run):
        client.streams.pipe("words", ["a", "b"])


async def test_a_run_gives_up_what_makes_no_progress_and_says_why_and_what_to_do(run: str) -> None:
    with pytest.raises(NotSent) as caught:
        await send_nothing(run)
    assert str(caught.value).startswith(f"{run}/words: 2 chunks were not sent, since nothing was")
    assert "the server is away" in str(caught.value)
    assert "Timeouts(flush=...)" in str(caught.value)
    assert caught.value.unsent == 2


async def test_a_run_ends_where_it_began(run: str) -> None:
    with in_memory():
        scope = streams.run(run)
        await scope.__aenter__()
        with in_memory():
            await scope.__aexit__(None, None, None)
            assert await streams.runs() == []
        (info,) = await streams.runs()
        assert info.completed is not None


async def enter(client: AsyncClient, run: str, **above: str) -> None:
    async with client.streams.run(run, **above):
        await client.streams.append("log", 1)


@pytest.mark.also_deployed
async def test_a_completed_run_is_not_entered_again_and_a_retry_is_its_child(
    aclient: AsyncClient, run: str
) -> None:
    await enter(aclient, run)
    with pytest.raises(RunCompleted, match=f"{run}: .*begin another run.*parent=") as caught:
        await enter(aclient, run)
    assert caught.value.run == run
    assert await read(aclient, run, "log") == [1]
    await enter(aclient, f"{run}_2", parent=run)


async def test_a_run_that_is_open_is_joined_and_the_outer_one_ends_it(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.run(run):
        await enter(aclient, run)
        await aclient.streams.append("log", 2)
    assert await read(aclient, run, "log") == [1, 2]
    assert (await aclient.streams.describe(run, "log")).closed == Closed("completed")


@pytest.mark.also_deployed
@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
async def test_a_run_may_be_completed_from_anywhere(
    aclient: AsyncClient, run: str, status: Status
) -> None:
    await aclient.streams.append("log", 1, target=run)
    assert (await aclient.streams.complete(run, status=status)).completed is not None
    closed = (await aclient.streams.describe(run, "log")).closed
    assert closed is not None
    assert closed.status == status
    with pytest.raises(RunCompleted):
        await enter(aclient, run)


async def test_a_run_is_described_until_it_is_deleted_with_its_streams(
    aclient: AsyncClient, run: str
) -> None:
    await enter(aclient, run)
    assert (await aclient.streams.describe_run(run)).status == "completed"
    assert await aclient.streams.delete_run(run) == 1
    assert await aclient.streams.list(run) == []
    with pytest.raises(NotThere, match="^" + run + ": there is no such run"):
        await aclient.streams.describe_run(run)
    await enter(aclient, run)


async def test_a_decorated_function_is_a_run_each_time(aclient: AsyncClient) -> None:
    seen = []

    @aclient.streams.run(parent="run_above")
    async def job(value: int) -> int:
        """Doubles."""
        run = current_run()
        assert run is not None
        seen.append(run.id)
        assert run.parent == "run_above"
        aclient.streams.pipe(slowly([value]))
        return 2 * value

    assert [await job(1), await job(2)] == [2, 4]
    assert job.__doc__ == "Doubles."
    assert [await read(aclient, run, timeout=60) for run in seen] == [[1], [2]]
    assert len(set(seen)) == 2


async def test_a_source_is_in_the_run_that_pipes_it(aclient: AsyncClient) -> None:
    async def source() -> AsyncIterator[int]:
        await aclient.streams.append("beside", "x")
        yield 0

    async with aclient.streams.run() as run:
        aclient.streams.pipe(source())
    assert await read(aclient, run.id, "beside", timeout=60) == ["x"]


async def test_runs_side_by_side_do_not_meet(aclient: AsyncClient) -> None:
    async def one(_: int) -> str:
        async with aclient.streams.run() as run:
            await aclient.streams.append(run.id)
            await sleep(0.01)
            aclient.streams.pipe([run.id])
            return run.id

    for run in await together(one, range(5)):
        assert await read(aclient, run, timeout=60) == [run, run]
