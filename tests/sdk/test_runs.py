"""`streams.run`: what happens inside, and at its end."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runstreams import Client, Ended
from runstreams.aio import AsyncClient
from runstreams.errors import NoRun, NotSent
from runstreams.sdk.settings import Timeouts
from tests.serve.process import ServerProcess


def slowly(end: int) -> Iterator[int]:
    for value in range(end):
        time.sleep(0.005)
        yield value


@pytest.mark.also_deployed
def test_inside_a_run_its_streams_are_meant(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append("a")
        client.streams.append("b", target="self")
    assert list(client.streams.read(run.id)) == ["a", "b"]


def test_afterwards_there_is_no_run_any_more(client: Client) -> None:
    with client.streams.run():
        pass
    with pytest.raises(NoRun):
        client.streams.append("a")


@pytest.mark.also_deployed
def test_parent_and_root_are_the_runs_above(client: Client, run: str) -> None:
    with client.streams.run(f"{run}c", parent=f"{run}b", root=f"{run}a") as inside:
        assert (inside.id, inside.parent_id, inside.root_id) == (f"{run}c", f"{run}b", f"{run}a")
        client.streams.append("to parent", target="parent")
        client.streams.append("to root", target="root")
    assert list(client.streams.read(f"{run}b", timeout=0)) == ["to parent"]
    assert list(client.streams.read(f"{run}a", timeout=0)) == ["to root"]


def test_without_anything_above_a_run_is_its_own_parent(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append("a", target="parent")
        client.streams.append("b", target="root")
    assert list(client.streams.read(run.id)) == ["a", "b"]


def test_a_run_in_a_run_is_its_child(client: Client) -> None:
    with (
        client.streams.run() as root,
        client.streams.run() as middle,
        client.streams.run() as leaf,
    ):
        assert (leaf.parent_id, leaf.root_id) == (middle.id, root.id)
        client.streams.append("up", target="root")
        client.streams.append("here")
    assert list(client.streams.read(root.id)) == ["up"]
    assert list(client.streams.read(leaf.id)) == ["here"]


def test_the_server_knows_what_is_above_the_parent(client: Client, run: str) -> None:
    with client.streams.run(f"{run}b", parent=f"{run}a"):
        pass
    with client.streams.run(f"{run}c", parent=f"{run}b") as leaf:
        assert leaf.root_id == f"{run}a"


def test_the_environment_may_name_the_run(
    client: Client, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNSTREAMS_RUN_ID", run)
    monkeypatch.setenv("RUNSTREAMS_PARENT_RUN_ID", f"{run}p")
    client.streams.append("a")
    client.streams.append("b", target="parent")
    assert list(client.streams.read(run, timeout=0)) == ["a"]
    assert list(client.streams.read(f"{run}p", timeout=0)) == ["b"]


@pytest.mark.also_deployed
def test_at_its_end_everything_is_sent_and_the_run_completed(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.pipe("words", slowly(30))
        writer = client.streams.writer("logs", execute=lambda writer: writer.write("x"))
    assert list(client.streams.read(run.id, "words")) == list(range(30))
    assert list(client.streams.read(run.id, "logs")) == ["x"]
    assert client.streams.describe(run.id, "words").closed == Ended("completed")
    assert writer.wait_until_complete() == 0


def test_what_is_begun_for_another_run_is_sent_too(client: Client, run: str) -> None:
    with client.streams.run():
        client.streams.pipe(slowly(10), target=run)
    assert list(client.streams.read(run, timeout=0)) == list(range(10))


def raise_inside(client: Client, run: str, error: BaseException) -> None:
    with client.streams.run(run):
        client.streams.pipe("words", slowly(5))
        client.streams.append("closed", 1)
        client.streams.close("closed")
        raise error


@pytest.mark.also_deployed
@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (LookupError("gone"), Ended("failed", "LookupError: gone")),
        (KeyboardInterrupt(), Ended("canceled", "KeyboardInterrupt: ")),
        (SystemExit(1), Ended("failed", "SystemExit: 1")),
        (SystemExit(0), Ended("completed")),
    ],
    ids=["error", "interrupt", "exit 1", "exit 0"],
)
def test_a_run_that_raises_says_so_at_the_end_of_each_open_stream(
    client: Client, run: str, error: BaseException, ended: Ended
) -> None:
    with pytest.raises(type(error)):
        raise_inside(client, run, error)
    assert client.streams.describe(run, "words").closed == ended
    assert client.streams.describe(run, "closed").closed == Ended("completed")
    found = list(client.streams.read(run, "words", strict=False))
    # Whoever interrupts does not wait for the source.
    assert found == list(range(5 if ended.status != "canceled" else len(found)))


def failing() -> Iterator[int]:
    yield 0
    raise LookupError("gone")


def fail_unseen(client: Client, run: str, times: int = 1) -> None:
    with client.streams.run(run):
        for number in range(times):
            client.streams.pipe(f"k{number}", failing())


def test_a_pipe_that_failed_and_nobody_waited_for_fails_the_run(client: Client, run: str) -> None:
    with pytest.raises(LookupError):
        fail_unseen(client, run)
    assert client.streams.describe(run, "k0").closed == Ended("failed", "LookupError: gone")


def test_several_of_them_come_together(client: Client, run: str) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        fail_unseen(client, run, 3)
    assert [type(error) for error in caught.value.exceptions] == [LookupError] * 3


def test_a_failure_that_was_seen_is_not_raised_again(client: Client) -> None:
    with client.streams.run() as run:
        piped = client.streams.pipe(failing())
        with pytest.raises(LookupError):
            piped.wait_until_complete()
        client.streams.append("other", 1)
    assert client.streams.describe(run.id, "other").closed == Ended("completed")


def test_what_takes_too_long_is_cut_off_and_reported(server: ServerProcess, run: str) -> None:
    go_on = threading.Event()

    def source() -> Iterator[int]:
        yield 0
        go_on.wait(20)

    def body() -> None:
        with client.streams.run(run):
            client.streams.pipe(source())

    with Client(server.url, server.secret, timeouts=Timeouts(flush=0.2)) as client:
        with pytest.raises(NotSent, match="cut off"):
            body()
        go_on.set()
        assert list(client.streams.read(run, strict=False)) == [0]
        closed = client.streams.describe(run).closed
        assert closed is not None
        assert closed.status != "completed"


def test_a_decorated_function_is_a_run_each_time(client: Client) -> None:
    seen = []

    @client.streams.run(parent="run_above")
    def job(value: int) -> int:
        """Doubles."""
        from runstreams.sdk.runs import current_run

        run = current_run()
        assert run is not None
        seen.append(run.id)
        assert run.parent_id == "run_above"
        client.streams.pipe([value])
        return 2 * value

    assert [job(1), job(2)] == [2, 4]
    assert job.__doc__ == "Doubles."
    assert [list(client.streams.read(run)) for run in seen] == [[1], [2]]
    assert len(set(seen)) == 2


def test_each_surface_decorates_its_own_kind_of_function(
    client: Client, aclient: AsyncClient
) -> None:
    async def work() -> None:
        pass

    with pytest.raises(TypeError, match=r"runstreams\.aio"):
        client.streams.run()(work)
    with pytest.raises(TypeError, match="sync"):
        aclient.streams.run()(lambda: None)  # type: ignore[arg-type,return-value]


def test_a_source_is_in_the_run_that_pipes_it(client: Client) -> None:
    def source() -> Iterator[int]:
        client.streams.append("beside", "x")
        yield 0

    with client.streams.run() as run:
        client.streams.pipe(source())
    assert list(client.streams.read(run.id, "beside")) == ["x"]


async def test_runs_of_tasks_do_not_meet(aclient: AsyncClient) -> None:
    async def one() -> str:
        async with aclient.streams.run() as run:
            await aclient.streams.append(run.id)
            await asyncio.sleep(0.01)
            aclient.streams.pipe([run.id])
            return run.id

    for run in await asyncio.gather(*(one() for _ in range(5))):
        assert [item async for item in aclient.streams.read(run)] == [run, run]


async def test_an_async_run_does_all_the_same(aclient: AsyncClient) -> None:
    async def source() -> Any:
        for value in range(5):
            await asyncio.sleep(0.005)
            yield value

    @aclient.streams.run()
    async def job() -> str:
        from runstreams.sdk.runs import current_run

        aclient.streams.pipe("words", source())
        run = current_run()
        assert run is not None
        return run.id

    run = await job()
    assert [item async for item in aclient.streams.read(run, "words")] == [0, 1, 2, 3, 4]


async def test_an_async_run_that_is_cancelled_says_so(aclient: AsyncClient, run: str) -> None:
    begun = asyncio.Event()

    async def job() -> None:
        async with aclient.streams.run(run):
            await aclient.streams.append(1)
            begun.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(job())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    closed = (await aclient.streams.describe(run)).closed
    assert closed is not None
    assert closed.status == "canceled"
