"""The sync surface against a real server."""

import gc
import io
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from runstreams import Client, Ended, Part
from runstreams.errors import (
    ChunkTooLarge,
    ClosedDifferently,
    InvalidChunk,
    InvalidName,
    InvalidSetting,
    InvalidSource,
    NoRun,
    NotThere,
    RunCompleted,
    StreamCanceled,
    StreamClosed,
    StreamFailed,
    Unauthenticated,
    WriterClosed,
)
from tests.http.serving import wait_until
from tests.sdk.conftest import wait_until_idle


def read(client: Client, run: str, key: str | None = None, **options: Any) -> list[Any]:
    return list(client.streams.read(run, key, **{"timeout": 0, **options}))


# Piping


@pytest.mark.also_deployed
def test_a_pipe_needs_neither_iteration_nor_waiting(client: Client, run: str) -> None:
    client.streams.pipe("words", ["a", "b"], target=run, close=True)
    assert read(client, run, "words", timeout=10) == ["a", "b"]


def test_a_pipe_returns_at_once(client: Client, run: str) -> None:
    go_on = threading.Event()

    def source() -> Iterator[int]:
        go_on.wait(10)
        yield 0

    piped = client.streams.pipe(source(), target=run)
    with pytest.raises(TimeoutError):
        piped.wait_until_complete(timeout=0.01)
    go_on.set()
    assert piped.wait_until_complete() == 0


def test_what_is_piped_passes_through_unchanged(client: Client, run: str) -> None:
    values = [object_ := Token(text="x"), {"a": 1}, None]
    piped = client.streams.pipe(values, target=run)
    passed = list(piped.stream)
    assert passed[0] is object_
    assert passed == values
    assert piped.wait_until_complete() == 2


def test_what_passes_may_be_read_afterwards(client: Client, run: str) -> None:
    piped = client.streams.pipe(range(5), target=run)
    piped.wait_until_complete()
    assert list(piped.stream) == [0, 1, 2, 3, 4]
    assert list(piped.stream) == []


def test_without_a_key_it_is_the_default_stream(client: Client, run: str) -> None:
    assert client.streams.pipe([1], target=run).key == "default"
    client.streams.pipe([1], target=run).wait_until_complete()
    assert [info.key for info in client.streams.list(run)] == ["default"]


def test_the_key_comes_first_or_by_name(client: Client, run: str) -> None:
    assert client.streams.pipe("k", [1], target=run).key == "k"
    assert client.streams.pipe([1], key="k", target=run).key == "k"
    with pytest.raises(TypeError, match="once"):
        client.streams.pipe("k", [1], key="k", target=run)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="arguments"):
        client.streams.pipe(target=run)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="key"):
        client.streams.pipe(1, [1], target=run)  # type: ignore[call-overload]


@pytest.mark.parametrize("source", ["text", b"bytes", {"a": 1}, 5, None])
def test_a_value_is_no_source(client: Client, run: str, source: Any) -> None:
    with pytest.raises(InvalidSource):
        client.streams.pipe(source, target=run)
    with pytest.raises(TypeError):
        client.streams.pipe("key", source, target=run)


def test_an_empty_source_sends_nothing(client: Client, run: str) -> None:
    assert client.streams.pipe([], target=run).wait_until_complete() is None


def test_lines_of_files_are_chunks(client: Client, run: str) -> None:
    client.streams.pipe(io.StringIO("ä\nb\n"), target=run).wait_until_complete()
    with tempfile.TemporaryFile() as file:
        file.write("ü\n".encode())
        file.seek(0)
        client.streams.pipe(file, target=run).wait_until_complete()
    assert read(client, run) == ["ä\n", "b\n", "ü\n"]


class Response:
    """A stream object as the SDKs of model providers give."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._items

    def close(self) -> None:
        self.closed = True


def test_stream_objects_are_sources(client: Client, run: str) -> None:
    response = Response([Token(text="a"), Token(text="b")])
    client.streams.pipe(response, target=run).wait_until_complete()
    assert read(client, run) == [{"text": "a", "at": 0.0}, {"text": "b", "at": 0.0}]


async def counting(end: int) -> Any:
    for value in range(end):
        yield value


def test_an_async_source_works_where_there_is_no_loop(client: Client, run: str) -> None:
    assert client.streams.pipe(counting(3), target=run).wait_until_complete() == 2
    assert read(client, run) == [0, 1, 2]


def test_an_async_source_that_waits_for_its_own_engine_is_told_so(client: Client, run: str) -> None:
    async def source() -> Any:
        yield client.streams.append("x", target=run)

    with pytest.raises(RuntimeError, match=r"runstreams\.aio"):
        client.streams.pipe(source(), target=run).wait_until_complete()


@pytest.mark.also_deployed
def test_many_pipes_may_write_one_stream(client: Client, run: str) -> None:
    pipes = [client.streams.pipe([(n, i) for i in range(50)], target=run) for n in range(8)]
    for piped in pipes:
        piped.wait_until_complete()
    found = read(client, run)
    assert len(found) == 400
    for n in range(8):
        assert [i for number, i in found if number == n] == list(range(50))


# Sources that fail, and streams that refuse


def failing(after: int) -> Iterator[int]:
    yield from range(after)
    raise LookupError("the model is gone")


@pytest.mark.also_deployed
@pytest.mark.parametrize("after", [0, 1, 3, 2500])
def test_a_source_that_raises_loses_nothing_it_gave_before(
    client: Client, run: str, after: int
) -> None:
    piped = client.streams.pipe(failing(after), target=run)
    with pytest.raises(LookupError, match="the model is gone"):
        piped.wait_until_complete()
    assert read(client, run, strict=False) == list(range(after))
    assert client.streams.describe(run).closed == Ended("failed", "LookupError: the model is gone")


def test_what_passes_ends_with_what_the_source_raised(client: Client, run: str) -> None:
    piped = client.streams.pipe(failing(1), target=run)
    assert next(piped.stream) == 0
    with pytest.raises(LookupError):
        next(piped.stream)


@pytest.mark.also_deployed
def test_readers_of_a_failed_stream_are_told(client: Client, run: str) -> None:
    client.streams.pipe(failing(1), target=run)
    reader = client.streams.read(run, timeout=10)
    assert next(reader) == 0
    with pytest.raises(StreamFailed) as caught:
        next(reader)
    assert caught.value.facts["error"] == "LookupError: the model is gone"
    assert reader.closed == Ended("failed", "LookupError: the model is gone")


def test_a_stream_may_be_left_open_whatever_happens(client: Client, run: str) -> None:
    with pytest.raises(LookupError):
        client.streams.pipe(failing(1), target=run, close=False).wait_until_complete()
    assert client.streams.describe(run).closed is None


@pytest.mark.also_deployed
def test_a_chunk_that_is_too_large_fails_and_keeps_what_came_before(
    client: Client, run: str
) -> None:
    piped = client.streams.pipe(["a", "x" * 1_100_000, "b"], target=run)
    with pytest.raises(ChunkTooLarge) as caught:
        piped.wait_until_complete()
    assert caught.value.facts == {"limit": 1_048_576, "size": 1_100_002}
    assert read(client, run, strict=False) == ["a"]


def test_a_value_that_is_no_json_fails_and_keeps_what_came_before(client: Client, run: str) -> None:
    piped = client.streams.pipe(["a", object()], target=run)
    with pytest.raises(InvalidChunk, match="object"):
        piped.wait_until_complete()
    assert read(client, run, strict=False) == ["a"]


@pytest.mark.also_deployed
def test_a_closed_stream_refuses_at_once_with_the_facts(client: Client, run: str) -> None:
    client.streams.append("a", target=run)
    client.streams.close(target=run)
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    piped = client.streams.pipe(source(), target=run)
    with pytest.raises(StreamClosed) as caught:
        piped.wait_until_complete()
    assert caught.value.facts["status"] == "completed"
    assert caught.value.facts["tail"] == 1
    assert closed.wait(10)


@pytest.mark.also_deployed
def test_a_rejected_key_fails_at_once(client: Client, server: Any, run: str) -> None:
    with Client(server.url, "wrong") as stranger:
        piped = stranger.streams.pipe([1], target=run)
        with pytest.raises(Unauthenticated):
            piped.wait_until_complete()
        with pytest.raises(Unauthenticated):
            next(stranger.streams.read(run))
        with pytest.raises(Unauthenticated):
            stranger.streams.append(1, target=run)


def test_a_pipe_that_is_canceled_keeps_what_was_written(client: Client, run: str) -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            for value in range(10**9):
                yield value
                time.sleep(0.001)
        finally:
            closed.set()

    piped = client.streams.pipe(source(), target=run)
    assert next(piped.stream) == 0
    piped.cancel()
    last = piped.wait_until_complete()
    assert last is not None
    assert closed.wait(10)
    assert read(client, run, strict=False) == list(range(last + 1))
    assert client.streams.describe(run).closed == Ended("canceled")


@pytest.mark.also_deployed
def test_when_readers_ask_to_stop_the_source_is_closed_and_the_stream_canceled(
    client: Client, run: str
) -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            for value in range(10**9):
                yield value
                time.sleep(0.001)
        finally:
            closed.set()

    piped = client.streams.pipe(source(), target=run)
    reader = client.streams.read(run, timeout=10)
    assert next(reader) == 0
    client.streams.stop(run)
    last = piped.wait_until_complete(timeout=10)
    assert piped.stopped
    assert closed.wait(10)
    assert last is not None
    assert [next(reader) for _ in range(last)] == list(range(1, last + 1))
    with pytest.raises(StreamCanceled):
        next(reader)


def test_of_several_producers_that_are_asked_to_stop_none_fails(client: Client, run: str) -> None:
    def endless() -> Iterator[int]:
        for value in range(10**9):
            yield value
            time.sleep(0.001)

    pipes = [client.streams.pipe(endless(), target=run) for _ in range(4)]
    for piped in pipes:
        next(piped.stream)
    client.streams.stop(run)
    for piped in pipes:
        piped.wait_until_complete(timeout=10)
        assert piped.stopped
    assert client.streams.describe(run).closed == Ended("canceled")


# Writing and appending


@pytest.mark.also_deployed
def test_a_writer_sends_in_order_and_is_done_at_its_end(client: Client, run: str) -> None:
    with client.streams.writer("logs", target=run) as writer:
        for value in range(3000):
            writer.write(value)
    assert read(client, run, "logs") == list(range(3000))
    assert writer.wait_until_complete() == 2999


@pytest.mark.also_deployed
def test_drained_means_stored(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        for value in range(3):
            writer.write(value)
            writer.drain()
            assert read(client, run) == list(range(value + 1))


def test_a_writer_merges_sources(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        writer.write("one")
        writer.merge(["two", "three"])
        writer.merge(counting(2))
    assert sorted(map(str, read(client, run))) == ["0", "1", "one", "three", "two"]
    assert len(list(writer.stream)) == 5


def test_a_function_may_write(client: Client, run: str) -> None:
    def execute(writer: Any) -> None:
        writer.write("one")
        writer.merge(["two"])

    writer = client.streams.writer("logs", target=run, execute=execute)
    assert writer.wait_until_complete() == 1
    assert list(writer.stream) == ["one", "two"]
    with pytest.raises(WriterClosed):
        writer.write("late")


def write_and_raise(client: Client, run: str, error: BaseException) -> None:
    with client.streams.writer(target=run) as writer:
        writer.write(1)
        writer.write(2)
        raise error


def test_an_exception_in_the_body_keeps_what_was_written_and_marks_the_stream(
    client: Client, run: str
) -> None:
    with pytest.raises(LookupError):
        write_and_raise(client, run, LookupError("gone"))
    assert read(client, run, strict=False) == [1, 2]
    assert client.streams.describe(run).closed == Ended("failed", "LookupError: gone")


def test_a_body_that_raises_does_not_wait_for_what_it_merges(client: Client, run: str) -> None:
    def body() -> None:
        with client.streams.writer(target=run) as writer:
            writer.write(1)
            writer.drain()
            writer.merge(iter(int, 1))  # for ever
            raise LookupError("gone")

    with pytest.raises(LookupError):
        body()
    assert client.streams.describe(run).closed == Ended("failed", "LookupError: gone")


def test_an_interrupted_body_marks_the_stream_as_canceled(client: Client, run: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(client, run, KeyboardInterrupt())
    closed = client.streams.describe(run).closed
    assert closed is not None
    assert closed.status == "canceled"


def test_a_writer_that_is_asked_to_stop_ends_its_body(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        for value in range(10**9):
            writer.write(value)
            if value == 5:
                writer.drain()
                client.streams.stop(run)
            time.sleep(0.001)
    assert writer.stopped
    assert client.streams.describe(run).closed == Ended("canceled")


def test_a_writer_waits_when_too_much_is_unsent(server: Any, run: str) -> None:
    from runstreams import Batching

    with Client(server.url, server.secret, batching=Batching(unsent_chunks=10)) as client:
        with client.streams.writer(target=run) as writer:
            for value in range(500):
                writer.write(value)
                assert writer._producer.unsent <= 10
        assert read(client, run) == list(range(500))


@pytest.mark.also_deployed
def test_an_append_is_stored_when_it_returns(client: Client, run: str) -> None:
    assert client.streams.append("logs", {"step": 1}, target=run) == 0
    assert client.streams.append(["x"], key="logs", target=run) == 1
    assert client.streams.append("default", target=run) == 0
    assert read(client, run, "logs") == [{"step": 1}, ["x"]]


@pytest.mark.also_deployed
def test_appends_of_many_threads_are_each_there_once(client: Client, run: str) -> None:
    def work(number: int) -> None:
        for i in range(20):
            client.streams.append([number, i], target=run)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(client, run)
    assert sorted(found) == [[number, i] for number in range(8) for i in range(20)]
    for number in range(8):
        assert [i for n, i in found if n == number] == list(range(20))


@pytest.mark.parametrize("call", ["pipe", "append", "writer", "close"])
def test_without_a_run_the_error_says_what_to_do(client: Client, call: str) -> None:
    arguments = {"pipe": [[1]], "append": [1]}.get(call, [])
    with pytest.raises(NoRun, match=r"target="):
        getattr(client.streams, call)(*arguments)


def test_names_are_checked_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(InvalidName):
        client.streams.pipe("a/b", [1], target="run_1")
    with pytest.raises(InvalidName):
        client.streams.read("")
    with pytest.raises(InvalidName):
        client.streams.append("k", 1, target="x" * 129)


def test_odd_names_arrive_as_they_are(client: Client, run: str) -> None:
    name = "ü %2F?#& ~'\"+"
    client.streams.append(name, 1, target=run + name)
    assert read(client, run + name, name) == [1]
    assert [info.key for info in client.streams.list(run + name)] == [name]


# Reading


@pytest.mark.also_deployed
def test_parts_tell_all_that_is_known(client: Client, run: str) -> None:
    client.streams.append({"a": 1}, target=run)
    (part,) = client.streams.read(run, timeout=0, parts=True)
    assert isinstance(part, Part)
    assert (part.index, part.data) == (0, {"a": 1})
    assert part.id.endswith("-0")
    assert part.timestamp > 1_700_000_000_000


@pytest.mark.also_deployed
@pytest.mark.parametrize(
    ("start", "found"), [(3, [3, 4, 5]), (-2, [4, 5]), ("tail", []), (0, [0, 1, 2, 3, 4, 5])]
)
def test_reading_begins_where_it_is_told(
    client: Client, run: str, start: Any, found: list[int]
) -> None:
    client.streams.pipe(range(6), target=run).wait_until_complete()
    assert read(client, run, start_index=start) == found


def test_what_cannot_be_a_start_or_a_timeout_is_refused(client: Client, run: str) -> None:
    with pytest.raises(InvalidSetting):
        client.streams.read(run, start_index="head")  # type: ignore[call-overload]
    with pytest.raises(InvalidSetting):
        client.streams.read(run, timeout=-1)
    with pytest.raises(InvalidSetting):
        client.streams.read(run, timeout=float("nan"))


@pytest.mark.also_deployed
def test_reading_begins_before_writing(client: Client, run: str) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(client.streams.read(run, timeout=10)))
    thread.start()
    client.streams.pipe(range(100), target=run, close=True)
    thread.join(10)
    assert found == list(range(100))


@pytest.mark.parametrize("how", ["close", "with", "drop", "break"])
def test_a_reader_that_ends_early_closes_its_connection(client: Client, run: str, how: str) -> None:
    client.streams.append(1, target=run)
    reader = client.streams.read(run, timeout=None)
    assert next(reader) == 1
    if how == "close":
        reader.close()
        assert list(reader) == []
    elif how == "with":
        with reader:
            pass
    elif how == "drop":
        del reader
    else:
        del reader
        for _ in client.streams.read(run, timeout=None):
            break
    wait_until_idle(client)


def test_a_reader_says_how_it_is_going(client: Client, run: str) -> None:
    client.streams.append(1, target=run)
    reader = client.streams.read(run, timeout=10)
    assert reader.state in ("connecting", "live")
    next(reader)
    assert reader.state == "live"
    client.streams.close(target=run)
    assert list(reader) == []
    assert reader.state == "closed"
    assert reader.closed == Ended("completed")


# Types


class Token(BaseModel):
    text: str
    at: float = 0


@dataclass
class Step:
    name: str
    inner: "Step | None" = None


def test_a_defined_stream_gives_back_its_type(client: Client, run: str) -> None:
    answer = client.streams.define("answer", Token)
    answer.pipe([Token(text="a")], target=run).wait_until_complete()
    answer.append(Token(text="b"), target=run)
    with answer.writer(target=run, close=True) as writer:
        writer.write(Token(text="c"))
    assert [token.text for token in answer.read(run)] == ["a", "b", "c"]
    (part,) = answer.read(run, start_index=2, parts=True)
    assert part.data == Token(text="c")
    assert part.index == 2


def test_types_may_be_dataclasses_and_generics_too(client: Client, run: str) -> None:
    steps = client.streams.define("steps", Step)
    steps.append(Step("a", Step("b")), target=run)
    assert list(steps.read(run, timeout=0)) == [Step("a", Step("b"))]
    lists = client.streams.define("steps", dict[str, Any])
    assert list(lists.read(run, timeout=0)) == [
        {"name": "a", "inner": {"name": "b", "inner": None}}
    ]


def test_a_chunk_that_is_not_as_defined_says_which(client: Client, run: str) -> None:
    client.streams.pipe("answer", [{"text": "a"}, {"no": 1}, {"text": "c"}], target=run)
    reader = client.streams.define("answer", Token).read(run, timeout=5)
    assert next(reader).text == "a"
    with pytest.raises(InvalidChunk, match="chunk 1") as caught:
        next(reader)
    assert caught.value.facts == {"index": 1}
    assert next(reader).text == "c"


# Managing


@pytest.mark.also_deployed
def test_closing_tells_how_it_ended_and_is_repeatable(client: Client, run: str) -> None:
    client.streams.append("k", 1, target=run)
    ended = client.streams.close("k", target=run, status="failed", error="why")
    assert ended == Ended("failed", "why")
    assert client.streams.close("k", target=run, status="failed") == ended
    with pytest.raises(ClosedDifferently) as caught:
        client.streams.close("k", target=run)
    assert caught.value.facts["status"] == "failed"


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
def test_a_public_token_reads_what_it_names_and_nothing_else(
    client: Client, server: Any, run: str
) -> None:
    client.streams.append("k", 1, target=run)
    token = client.auth.create_public_token(read=[f"{run}/k"], expires_in="1h")
    with Client(server.url, token) as browser:
        assert read(browser, run, "k") == [1]
        from runstreams.errors import Unauthorized

        with pytest.raises(Unauthorized):
            read(browser, run, "other")
        with pytest.raises(Unauthorized):
            browser.streams.append("k", 1, target=run)


@pytest.mark.also_deployed
def test_a_token_that_is_refused_is_asked_for_again(client: Client, server: Any, run: str) -> None:
    tokens = ["expired", server.secret]
    with Client(server.url, lambda: tokens.pop(0)) as fresh:
        with pytest.raises(Unauthenticated):
            fresh.streams.append(1, target=run)
        assert fresh.streams.append(1, target=run) == 0
        assert fresh.streams.append(1, target=run) == 1
    assert tokens == []


def test_a_token_may_come_from_a_coroutine(server: Any, run: str) -> None:
    async def token() -> str:
        return server.secret

    with Client(server.url, token) as client:
        assert client.streams.append(1, target=run) == 0


# Ending


def test_a_closed_client_has_sent_everything(server: Any, client: Client, run: str) -> None:
    with Client(server.url, server.secret) as mine:
        mine.streams.pipe(range(5000), target=run)
    assert read(client, run) == list(range(5000))
    with pytest.raises(WriterClosed):
        mine.streams.append(1, target=run)


def test_a_closed_client_tells_whoever_waits(server: Any, run: str) -> None:
    mine = Client(server.url, server.secret)
    reader = mine.streams.read(run, timeout=None)
    problems: list[BaseException] = []

    def wait() -> None:
        try:
            next(reader)
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    mine.close()
    thread.join(10)
    assert [type(problem) for problem in problems] == [WriterClosed]


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
    session.over.result(10)
    engine = weakref.ref(session._engine)
    del session

    def is_free() -> bool:
        gc.collect()
        return engine() is None

    wait_until(is_free)
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_client_may_be_used_by_many_threads(client: Client, run: str) -> None:
    found: dict[int, list[Any]] = {}

    def work(number: int) -> None:
        key = f"k{number}"
        with client.streams.run(f"{run}_{number}"):
            client.streams.pipe(key, range(200))
            reader = client.streams.read(f"{run}_{number}", key, timeout=10)
            found[number] = [next(reader) for _ in range(200)]

    threads = [threading.Thread(target=work, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: list(range(200)) for number in range(10)}


def test_the_machines_clock_may_jump(
    client: Client, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter([86_400, -86_400, 10**9, 0] * 100)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    client.streams.pipe(range(100), target=run, close=True)
    assert list(client.streams.read(run, timeout=10)) == list(range(100))


def test_a_writer_that_is_dropped_is_sent_and_warned_of(
    client: Client, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    writer = client.streams.writer(target=run)
    writer.write(1)
    producer = writer._producer
    del writer
    assert producer.told().result(10) == 0
    assert "never ended" in caplog.text


def test_a_failure_that_nobody_waits_for_is_logged_once(
    client: Client, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = client.streams.pipe(failing(1), target=run)._producer.result
    with pytest.raises(LookupError):
        result.result(10)
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "the model is gone" in record.message


@pytest.mark.also_deployed
def test_a_completed_run_takes_no_more(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append(1)
    with pytest.raises(RunCompleted):
        client.streams.append("other", 1, target=run.id)


@pytest.mark.also_deployed
def test_nobody_who_reads_nothing_holds_the_pipe_up(client: Client, run: str) -> None:
    piped = client.streams.pipe(["x" * 1000] * 20_000, target=run)
    assert piped.wait_until_complete() == 19_999
