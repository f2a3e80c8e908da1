"""Managing, keys and the end of a client, on the async surface at a real server."""

import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from runstreams.aio import AsyncClient, Closed, Retries
from runstreams.errors import (
    ClosedDifferently,
    NotThere,
    RunCompleted,
    Unauthenticated,
    Unauthorized,
    Unreachable,
    WriterClosed,
)
from runstreams.sdk.aio import Streams
from tests.http.serving import wait_until
from tests.sdk.aio.helpers import read, together, waiting_for
from tests.sdk.conftest import busy, fetching
from tests.sdk.in_tasks import Event, begin, done


@pytest.mark.also_deployed
async def test_closing_tells_how_it_ended_and_is_repeatable(aclient: AsyncClient, run: str) -> None:
    await aclient.streams.append("k", 1, target=run)
    ended = await aclient.streams.close("k", target=run, status="failed", error="why")
    assert ended == Closed("failed", "why")
    assert await aclient.streams.close("k", target=run, status="failed") == ended
    with pytest.raises(ClosedDifferently) as caught:
        await aclient.streams.close("k", target=run)
    assert caught.value.status == "failed"


@pytest.mark.also_deployed
async def test_streams_are_listed_described_and_deleted(aclient: AsyncClient, run: str) -> None:
    for key in ("b", "a"):
        await aclient.streams.append(key, 1, target=run)
    assert [info.key for info in await aclient.streams.list(run)] == ["a", "b"]
    info = await aclient.streams.describe(run, "a")
    assert (info.run, info.key, info.tail, info.bytes, info.stop) == (run, "a", 1, 1, False)
    assert await aclient.streams.delete(run, "a")
    assert not await aclient.streams.delete(run, "a")
    with pytest.raises(NotThere):
        await aclient.streams.describe(run, "a")
    assert run in [found.id for found in await aclient.streams.runs(limit=5)]


@pytest.mark.also_deployed
async def test_a_completed_run_takes_no_more(aclient: AsyncClient) -> None:
    async with aclient.streams.run() as run:
        await aclient.streams.append(1)
    with pytest.raises(RunCompleted):
        await aclient.streams.append("other", 1, target=run.id)


# Keys and tokens


@pytest.mark.also_deployed
async def test_a_public_token_reads_what_it_names_and_nothing_else(
    aclient: AsyncClient, server: Any, run: str
) -> None:
    await aclient.streams.append("k", 1, target=run)
    token = aclient.auth.create_public_token(read=[f"{run}/k"], expires_in="1h")
    async with AsyncClient(server.url, token) as browser:
        assert await read(browser, run, "k") == [1]
        with pytest.raises(Unauthorized):
            await read(browser, run, "other")
        with pytest.raises(Unauthorized):
            await browser.streams.append("k", 1, target=run)


@pytest.mark.also_deployed
async def test_a_token_that_is_refused_is_asked_for_again(server: Any, run: str) -> None:
    tokens = ["expired", server.secret]
    async with AsyncClient(server.url, lambda: tokens.pop(0)) as fresh:
        with pytest.raises(Unauthenticated):
            await fresh.streams.append(1, target=run)
        assert await fresh.streams.append(1, target=run) == 0
        assert await fresh.streams.append(1, target=run) == 1
    assert tokens == []


@pytest.mark.parametrize("problem", [ConnectionResetError("reset"), httpx.ConnectError("refused")])
async def test_a_token_that_cannot_be_had_for_now_is_asked_for_again(
    server: Any, run: str, problem: Exception
) -> None:
    problems = [problem, problem]

    def token() -> str:
        if problems:
            raise problems.pop()
        return str(server.secret)

    async with AsyncClient(server.url, token) as client:
        assert await client.streams.append(1, target=run) == 0


async def test_what_is_wrong_with_whoever_gives_tokens_is_raised(server: Any, run: str) -> None:
    async with AsyncClient(server.url, lambda: {}["key"]) as client:
        with pytest.raises(KeyError):
            await client.streams.append(1, target=run)
        with pytest.raises(KeyError):
            await client.streams.delete(run)


async def test_a_token_may_come_from_a_coroutine(server: Any, run: str) -> None:
    async with AsyncClient(server.url, fetching(server.secret)) as client:
        assert await client.streams.append(1, target=run) == 0


# Several clients


CALLS: dict[str, Callable[[Streams, str], Any]] = {
    "pipe": lambda streams, run: streams.pipe([1], target=run).wait_until_complete(),
    "writer": lambda streams, run: streams.writer(target=run, execute=print).wait_until_complete(),
    "append": lambda streams, run: streams.append(1, target=run),
    "read": lambda streams, run: streams.read(run).aclose(),
    "close": lambda streams, run: streams.close(target=run),
    "stop": lambda streams, run: streams.stop(run),
    "list": lambda streams, run: streams.list(run),
    "describe": lambda streams, run: streams.describe(run),
    "describe_run": lambda streams, run: streams.describe_run(run),
    "delete": lambda streams, run: streams.delete(run),
    "runs": lambda streams, _: streams.runs(),
    "run": lambda streams, run: be_in(streams, run),
    "defined.pipe": lambda streams, run: (
        streams.define("default").pipe([1], target=run).wait_until_complete()
    ),
    "defined.append": lambda streams, run: streams.define("default").append(1, target=run),
    "defined.read": lambda streams, run: streams.define("default").read(run).aclose(),
}


async def be_in(streams: Streams, run: str) -> None:
    async with streams.run(run):
        pass


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_looks_up_its_client_once(aclient: AsyncClient, run: str, call: str) -> None:
    """So `configure` may come at any moment, and no call is split between two clients."""
    await aclient.streams.append("there", target=run)
    connections = [aclient._connection]
    await CALLS[call](Streams(connections.pop), run)
    assert connections == []


async def test_a_client_may_be_used_by_many(aclient: AsyncClient, run: str) -> None:
    async def work(number: int) -> list[Any]:
        name = f"{run}_{number}"
        async with aclient.streams.run(name):
            aclient.streams.pipe("words", range(200))
            reader = aclient.streams.read(name, "words", timeout=10)
            return [await anext(reader) for _ in range(200)]

    assert await together(work, range(10)) == [list(range(200))] * 10


# Ending


async def test_a_closed_client_has_sent_everything(
    server: Any, aclient: AsyncClient, run: str
) -> None:
    async with AsyncClient(server.url, server.secret) as mine:
        mine.streams.pipe(range(5000), target=run)
    assert await read(aclient, run) == list(range(5000))
    with pytest.raises(WriterClosed):
        await mine.streams.append(1, target=run)


async def test_a_closed_client_tells_whoever_waits(server: Any, run: str) -> None:
    mine = AsyncClient(server.url, server.secret)
    reading = begin(anext, mine.streams.read(run, timeout=None))
    await mine.aclose()
    with pytest.raises(WriterClosed):
        await done(reading)


ENDINGS = [None, LookupError("gone")]
"""How the block of a run may end."""


async def end_slowly(
    client: AsyncClient, run: str, going_on: Event, error: Exception | None
) -> None:
    async with client.streams.run(run):
        client.streams.pipe("words", waiting_for(going_on), close=True)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", ENDINGS, ids=["well", "failed"])
async def test_a_client_that_is_closed_lets_a_run_end_that_waits_for_its_sources(
    server: Any, aclient: AsyncClient, run: str, error: Exception | None
) -> None:
    mine, going_on = AsyncClient(server.url, server.secret), Event()
    ending = begin(end_slowly, mine, run, going_on, error)
    reader = aclient.streams.read(run, "words", strict=False)
    assert await anext(reader) == "begun"
    wait_until(lambda: "end_run" in repr(busy(mine)))
    closing = begin(mine.aclose)
    going_on.set()
    assert [item async for item in reader] == ["ended"]
    await done(closing)
    with nullcontext() if error is None else pytest.raises(LookupError):
        await done(ending)
    [info] = [each for each in await aclient.streams.runs() if each.id == run]
    assert info.status == ("completed" if error is None else "failed")


async def test_a_client_that_is_dropped_lets_go_of_everything(
    server: Any, aclient: AsyncClient, run: str
) -> None:
    before = set(threading.enumerate())
    mine = AsyncClient(server.url, server.secret)
    await mine.streams.pipe(range(1000), target=run).wait_until_complete()
    reader = mine.streams.read(run, timeout=None)
    assert await anext(reader) == 0
    session = reader._session
    del mine, reader
    await done(session.over)
    engine = weakref.ref(session._engine)
    del session

    def is_free() -> bool:
        gc.collect()
        return engine() is None

    wait_until(is_free)
    wait_until(lambda: set(threading.enumerate()) <= before)


async def ask_nobody(run: str) -> None:
    retries = Retries(attempts=3, first=0.01)
    async with AsyncClient("http://me:secret@127.0.0.1:9", "x", retries=retries) as client:
        await client.streams.append(1, target=run)


async def test_no_server_is_said_once_with_where_it_should_be_and_how_to_start_it(
    run: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unreachable, match=f"^{run}/default: .* http://127.0.0.1:9 cannot be"):
        await ask_nobody(run)
    (said,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith("the server at http://127.0.0.1:9 cannot be reached: ")
    assert "`runstreams serve`" in said
    assert "RUNSTREAMS_URL" in said


async def test_appends_that_follow_one_another_count_as_one_writer(
    aclient: AsyncClient, run: str
) -> None:
    for value in range(5):
        await aclient.streams.append("log", value, target=run)
    assert (await aclient.streams.describe(run, "log")).writers == 1
    assert await read(aclient, run, "log") == [0, 1, 2, 3, 4]


async def test_appends_go_on_in_a_stream_that_was_deleted(aclient: AsyncClient, run: str) -> None:
    assert await aclient.streams.append("log", "old", target=run) == 0
    assert await aclient.streams.append("log", "old", target=run) == 1
    await aclient.streams.delete(run, "log")
    assert await aclient.streams.append("log", "new", target=run) == 0
    assert await aclient.streams.append("log", "newer", target=run) == 1
    assert await read(aclient, run, "log") == ["new", "newer"]


async def test_what_is_shown_of_an_object_tells_which_and_how_far_and_no_secret(
    aclient: AsyncClient, run: str
) -> None:
    async with aclient.streams.run(run, parent="run_above") as entered:
        piped = aclient.streams.pipe("words", ["a", "b"])
        await piped.wait_until_complete()
        assert repr(piped) == f"<Piped {run}/words: ended, 2 chunks sent, 0 unsent>"
        async with aclient.streams.writer("log") as writer:
            writer.write("one")
            await writer.drain()
            assert repr(writer) == f"<Writer {run}/log: open, 1 chunks sent, 0 unsent>"
            assert repr(entered) == f"<Run {run}, child of run_above: 1 pipes and writers go on>"
    reader = aclient.streams.read(run, "words")
    assert await anext(reader) == "a"
    assert repr(reader).startswith(f"<Reader {run}/words: ")
    hidden = AsyncClient("http://me:secret@127.0.0.1:9", "key")
    assert repr(hidden) == "<AsyncClient of http://127.0.0.1:9>"
