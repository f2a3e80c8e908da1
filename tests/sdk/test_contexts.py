"""Runs that are entered in one thread, task or context, and used or left in another."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Annotated

import anyio
import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse

from runstreams import Client, Run
from runstreams.aio import AsyncClient
from runstreams.errors import NoRun, RunCompleted, SourceCut
from runstreams.sdk.runs import current_run
from tests.http.serving import wait_until


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield http
    finally:
        server.should_exit = True
        thread.join()


async def here() -> Run | None:
    """Return the run that a task is in which begins here."""
    return current_run({})


def is_completed(client: Client, run: str) -> bool:
    return any(info.id == run and info.completed for info in client.streams.runs())


def test_a_generator_that_is_answered_with_may_be_a_run(client: Client, run: str) -> None:
    """FastAPI takes each of its steps in a thread and a context of its own."""
    app = FastAPI()

    def answer() -> Iterator[str]:
        with client.streams.run(run) as inside:
            piped = client.streams.pipe("words", ["In", " the"])
            yield from piped.stream
            piped.wait_until_complete()  # what another client appends then comes after it
            with inside.attach():
                client.streams.append("words", " end")
            yield " end"

    @app.get("/")
    def ask() -> StreamingResponse:
        return StreamingResponse(answer())

    with served(app) as http:
        assert http.get("/").text == "In the end"
    assert list(client.streams.read(run, "words")) == ["In", " the", " end"]
    assert is_completed(client, run)


def test_a_dependency_may_be_a_run(client: Client, run: str) -> None:
    app = FastAPI()

    def in_run() -> Iterator[str]:
        with client.streams.run(run) as inside:
            yield inside.id

    @app.get("/")
    def ask(inside: Annotated[str, Depends(in_run)]) -> str:
        client.streams.append("answer", target=inside)
        return inside

    with served(app) as http:
        assert http.get("/").json() == run
    assert list(client.streams.read(run)) == ["answer"]
    assert is_completed(client, run)


async def test_an_async_generator_may_be_closed_by_another_task(
    aclient: AsyncClient, client: Client, run: str
) -> None:
    async def answer() -> AsyncIterator[int]:
        async with aclient.streams.run(run):
            await aclient.streams.append("begun")
            yield 1
            yield 2

    steps = answer()
    assert await asyncio.create_task(anext(steps)) == 1  # type: ignore[arg-type]
    await asyncio.create_task(steps.aclose())  # type: ignore[attr-defined]
    assert await asyncio.to_thread(is_completed, client, run)
    with pytest.raises(NoRun):
        await aclient.streams.append("x")


def test_a_run_that_is_left_in_a_copied_context_is_not_current_there_any_more(
    client: Client, run: str
) -> None:
    scope = client.streams.run(run)
    entered = copy_context()
    entered.run(scope.__enter__)

    def leave() -> None:
        scope.__exit__(None, None, None)
        with pytest.raises(NoRun):
            client.streams.append("x")

    entered.copy().run(leave)
    assert is_completed(client, run)


def test_a_thread_is_in_no_run_and_is_told_how_to_be(client: Client) -> None:
    with (
        client.streams.run() as inside,
        ThreadPoolExecutor(1) as pool,
        pytest.raises(NoRun, match=r"with run\.attach\(\)"),
    ):
        pool.submit(client.streams.append, "x").result()
    assert list(client.streams.read(inside.id, timeout=0)) == []


def test_what_threads_write_that_are_attached_is_the_runs(client: Client) -> None:
    def work(number: int) -> None:
        with inside.attach():
            client.streams.pipe([number])  # and waited for at the end of the run

    with client.streams.run() as inside, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert sorted(client.streams.read(inside.id)) == list(range(8))


def test_a_copied_context_is_in_the_run(client: Client) -> None:
    with client.streams.run() as inside, ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, client.streams.append, "x").result()
    assert list(client.streams.read(inside.id)) == ["x"]


def test_a_run_ends_with_a_source_whose_loop_has_ended(
    client: Client, aclient: AsyncClient, run: str
) -> None:
    async def source() -> AsyncIterator[str]:
        yield "here"
        await asyncio.sleep(3600)

    async def main() -> None:
        async for _ in aclient.streams.pipe(source()).stream:
            return

    loop = asyncio.new_event_loop()
    with pytest.raises(SourceCut), client.streams.run(run):
        loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert list(client.streams.read(run, strict=False)) == ["here"]


def test_generators_that_are_runs_may_take_turns_and_end_in_any_order(client: Client) -> None:
    def steps(count: int) -> Iterator[str]:
        with client.streams.run() as inside:
            for number in range(count):
                client.streams.append(number, target="self")
                yield inside.id

    short, long = steps(1), steps(2)
    runs = [next(short), next(long), *short, *long][:2]
    assert [list(client.streams.read(run)) for run in runs] == [[0], [0, 1]]
    assert asyncio.run(here()) is None
    with pytest.raises(NoRun):
        client.streams.append("x")


def test_a_thread_is_no_more_in_a_run_that_another_one_has_left(client: Client, run: str) -> None:
    scope = client.streams.run(run)
    with client.streams.run() as around:
        scope.__enter__()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(scope.__exit__, None, None, None).result()
        client.streams.append("in the run around it")
    assert list(client.streams.read(around.id)) == ["in the run around it"]
    assert asyncio.run(here()) is None
    with pytest.raises(NoRun):
        client.streams.append("x")


async def test_what_outlives_its_run_is_told_so_rather_than_put_into_the_run_around_it(
    aclient: AsyncClient,
) -> None:
    async def later() -> int:
        await over.wait()
        return await aclient.streams.append("late")

    over = asyncio.Event()
    async with aclient.streams.run():
        async with aclient.streams.run():
            outliving = asyncio.create_task(later())
        over.set()
        with pytest.raises(RunCompleted):
            await outliving


def test_one_scope_may_be_entered_by_many_threads_at_once(client: Client) -> None:
    scope, together = client.streams.run(), threading.Barrier(3)

    def work(number: int) -> str:
        with scope as inside:
            together.wait()
            for _ in range(number):  # so that they do not leave as they have entered
                client.streams.append("x")
        return inside.id

    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(work, [5, 1, 3]))
    assert [len(list(client.streams.read(run))) for run in runs] == [5, 1, 3]


def test_a_client_that_goes_away_leaves_the_run_of_its_answer_canceled(
    client: Client, aclient: AsyncClient, run: str
) -> None:
    """Starlette cancels what answers at each of its awaits, rather than once."""
    app = FastAPI()

    async def answer() -> AsyncIterator[str]:
        async with aclient.streams.run(run):
            while True:
                await aclient.streams.append("x")
                yield "x"

    @app.get("/")
    async def ask() -> StreamingResponse:
        return StreamingResponse(answer())

    with served(app) as http, http.stream("GET", "/") as response:
        next(response.iter_raw())
        response.close()
        wait_until(lambda: is_completed(client, run))
    closed = client.streams.describe(run).closed
    assert closed is not None
    assert closed.status == "canceled"


async def test_a_run_that_is_cancelled_at_each_of_its_awaits_ends_all_the_same(
    client: Client, aclient: AsyncClient, run: str
) -> None:
    with anyio.CancelScope() as scope:
        async with aclient.streams.run(run):
            aclient.streams.pipe(endless())
            scope.cancel()
            await asyncio.sleep(3600)
    await asyncio.to_thread(wait_until, lambda: is_completed(client, run))


async def endless() -> AsyncIterator[int]:
    while True:
        yield 1
        await asyncio.sleep(0.001)
