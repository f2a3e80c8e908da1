# Written by scripts/unasync.py: change tests/sdk/aio/test_clients.py, then `make format`.
"""Managing, keys and the end of a client, on the sync surface at a real server."""

import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from runstreams import Client, Closed, Retries
from runstreams.errors import (
    ClosedDifferently,
    NotThere,
    RunCompleted,
    Unauthenticated,
    Unauthorized,
    Unreachable,
    WriterClosed,
)
from runstreams.sdk.sync import Streams
from tests.http.serving import wait_until
from tests.sdk.conftest import busy, fetching
from tests.sdk.in_threads import Event, begin, done
from tests.sdk.sync.helpers import read, together, waiting_for


@pytest.mark.also_deployed
def test_closing_tells_how_it_ended_and_is_repeatable(client: Client, run: str) -> None:
    client.streams.append("k", 1, target=run)
    ended = client.streams.close("k", target=run, status="failed", error="why")
    assert ended == Closed("failed", "why")
    assert client.streams.close("k", target=run, status="failed") == ended
    with pytest.raises(ClosedDifferently) as caught:
        client.streams.close("k", target=run)
    assert caught.value.status == "failed"


@pytest.mark.also_deployed
def test_streams_are_listed_described_and_deleted(client: Client, run: str) -> None:
    for key in ("b", "a"):
        client.streams.append(key, 1, target=run)
    assert [info.key for info in client.streams.list(run)] == ["a", "b"]
    info = client.streams.describe(run, "a")
    assert (info.run, info.key, info.tail, info.bytes, info.stop) == (run, "a", 1, 1, False)
    assert client.streams.delete(run, "a")
    assert not client.streams.delete(run, "a")
    with pytest.raises(NotThere):
        client.streams.describe(run, "a")
    assert run in [found.id for found in client.streams.runs(limit=5)]


@pytest.mark.also_deployed
def test_a_completed_run_takes_no_more(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append(1)
    with pytest.raises(RunCompleted):
        client.streams.append("other", 1, target=run.id)


# Keys and tokens


@pytest.mark.also_deployed
def test_a_public_token_reads_what_it_names_and_nothing_else(
    client: Client, server: Any, run: str
) -> None:
    client.streams.append("k", 1, target=run)
    token = client.auth.create_public_token(read=[f"{run}/k"], expires_in="1h")
    with Client(server.url, token) as browser:
        assert read(browser, run, "k") == [1]
        with pytest.raises(Unauthorized):
            read(browser, run, "other")
        with pytest.raises(Unauthorized):
            browser.streams.append("k", 1, target=run)


@pytest.mark.also_deployed
def test_a_token_that_is_refused_is_asked_for_again(server: Any, run: str) -> None:
    tokens = ["expired", server.secret]
    with Client(server.url, lambda: tokens.pop(0)) as fresh:
        with pytest.raises(Unauthenticated):
            fresh.streams.append(1, target=run)
        assert fresh.streams.append(1, target=run) == 0
        assert fresh.streams.append(1, target=run) == 1
    assert tokens == []


@pytest.mark.parametrize("problem", [ConnectionResetError("reset"), httpx.ConnectError("refused")])
def test_a_token_that_cannot_be_had_for_now_is_asked_for_again(
    server: Any, run: str, problem: Exception
) -> None:
    problems = [problem, problem]

    def token() -> str:
        if problems:
            raise problems.pop()
        return str(server.secret)

    with Client(server.url, token) as client:
        assert client.streams.append(1, target=run) == 0


def test_what_is_wrong_with_whoever_gives_tokens_is_raised(server: Any, run: str) -> None:
    with Client(server.url, lambda: {}["key"]) as client:
        with pytest.raises(KeyError):
            client.streams.append(1, target=run)
        with pytest.raises(KeyError):
            client.streams.delete(run)


def test_a_token_may_come_from_a_coroutine(server: Any, run: str) -> None:
    with Client(server.url, fetching(server.secret)) as client:
        assert client.streams.append(1, target=run) == 0


# Several clients


CALLS: dict[str, Callable[[Streams, str], Any]] = {
    "pipe": lambda streams, run: streams.pipe([1], target=run).wait_until_complete(),
    "writer": lambda streams, run: streams.writer(target=run, execute=print).wait_until_complete(),
    "append": lambda streams, run: streams.append(1, target=run),
    "read": lambda streams, run: streams.read(run).close(),
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
    "defined.read": lambda streams, run: streams.define("default").read(run).close(),
}


def be_in(streams: Streams, run: str) -> None:
    with streams.run(run):
        pass


@pytest.mark.parametrize("call", CALLS)
def test_a_call_looks_up_its_client_once(client: Client, run: str, call: str) -> None:
    """So `configure` may come at any moment, and no call is split between two clients."""
    client.streams.append("there", target=run)
    connections = [client._connection]
    CALLS[call](Streams(connections.pop), run)
    assert connections == []


def test_a_client_may_be_used_by_many(client: Client, run: str) -> None:
    def work(number: int) -> list[Any]:
        name = f"{run}_{number}"
        with client.streams.run(name):
            client.streams.pipe("words", range(200))
            reader = client.streams.read(name, "words", timeout=10)
            return [next(reader) for _ in range(200)]

    assert together(work, range(10)) == [list(range(200))] * 10


# Ending


def test_a_closed_client_has_sent_everything(server: Any, client: Client, run: str) -> None:
    with Client(server.url, server.secret) as mine:
        mine.streams.pipe(range(5000), target=run)
    assert read(client, run) == list(range(5000))
    with pytest.raises(WriterClosed):
        mine.streams.append(1, target=run)


def test_a_closed_client_tells_whoever_waits(server: Any, run: str) -> None:
    mine = Client(server.url, server.secret)
    reading = begin(next, mine.streams.read(run, timeout=None))
    mine.close()
    with pytest.raises(WriterClosed):
        done(reading)


ENDINGS = [None, LookupError("gone")]
"""How the block of a run may end."""


def end_slowly(client: Client, run: str, going_on: Event, error: Exception | None) -> None:
    with client.streams.run(run):
        client.streams.pipe("words", waiting_for(going_on), close=True)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", ENDINGS, ids=["well", "failed"])
def test_a_client_that_is_closed_lets_a_run_end_that_waits_for_its_sources(
    server: Any, client: Client, run: str, error: Exception | None
) -> None:
    mine, going_on = Client(server.url, server.secret), Event()
    ending = begin(end_slowly, mine, run, going_on, error)
    reader = client.streams.read(run, "words", strict=False)
    assert next(reader) == "begun"
    wait_until(lambda: "end_run" in repr(busy(mine)))
    closing = begin(mine.close)
    going_on.set()
    assert [item for item in reader] == ["ended"]
    done(closing)
    with nullcontext() if error is None else pytest.raises(LookupError):
        done(ending)
    [info] = [each for each in client.streams.runs() if each.id == run]
    assert info.status == ("completed" if error is None else "failed")


def test_a_client_that_is_dropped_lets_go_of_everything(
    server: Any, client: Client, run: str
) -> None:
    before = set(threading.enumerate())
    mine = Client(server.url, server.secret)
    mine.streams.pipe(range(1000), target=run).wait_until_complete()
    reader = mine.streams.read(run, timeout=None)
    assert next(reader) == 0
    session = reader._session
    del mine, reader
    done(session.over)
    engine = weakref.ref(session._engine)
    del session

    def is_free() -> bool:
        gc.collect()
        return engine() is None

    wait_until(is_free)
    wait_until(lambda: set(threading.enumerate()) <= before)


def ask_nobody(run: str) -> None:
    retries = Retries(attempts=3, first=0.01)
    with Client("http://me:secret@127.0.0.1:9", "x", retries=retries) as client:
        client.streams.append(1, target=run)


def test_no_server_is_said_once_with_where_it_should_be_and_how_to_start_it(
    run: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unreachable, match=f"^{run}/default: .* http://127.0.0.1:9 cannot be"):
        ask_nobody(run)
    (said,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith("the server at http://127.0.0.1:9 cannot be reached: ")
    assert "`runstreams serve`" in said
    assert "RUNSTREAMS_URL" in said


def test_appends_that_follow_one_another_count_as_one_writer(client: Client, run: str) -> None:
    for value in range(5):
        client.streams.append("log", value, target=run)
    assert (client.streams.describe(run, "log")).writers == 1
    assert read(client, run, "log") == [0, 1, 2, 3, 4]


def test_appends_go_on_in_a_stream_that_was_deleted(client: Client, run: str) -> None:
    assert client.streams.append("log", "old", target=run) == 0
    assert client.streams.append("log", "old", target=run) == 1
    client.streams.delete(run, "log")
    assert client.streams.append("log", "new", target=run) == 0
    assert client.streams.append("log", "newer", target=run) == 1
    assert read(client, run, "log") == ["new", "newer"]


def test_what_is_shown_of_an_object_tells_which_and_how_far_and_no_secret(
    client: Client, run: str
) -> None:
    with client.streams.run(run, parent="run_above") as entered:
        piped = client.streams.pipe("words", ["a", "b"])
        piped.wait_until_complete()
        assert repr(piped) == f"<Piped {run}/words: ended, 2 chunks sent, 0 unsent>"
        with client.streams.writer("log") as writer:
            writer.write("one")
            writer.drain()
            assert repr(writer) == f"<Writer {run}/log: open, 1 chunks sent, 0 unsent>"
            assert repr(entered) == f"<Run {run}, child of run_above: 1 pipes and writers go on>"
    reader = client.streams.read(run, "words")
    assert next(reader) == "a"
    assert repr(reader).startswith(f"<Reader {run}/words: ")
    hidden = Client("http://me:secret@127.0.0.1:9", "key")
    assert repr(hidden) == "<Client of http://127.0.0.1:9>"
