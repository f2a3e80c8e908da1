# Written by scripts/unasync.py: change tests/sdk/aio/test_writing.py, then `make format`.
"""Writers and appends of the sync surface, at a real server."""

from typing import Any

import pytest

from runstreams import Batching, Client, Closed
from runstreams.errors import InvalidName, NoRun, WriterClosed
from tests.sdk.in_threads import done, sleep
from tests.sdk.sync.helpers import read, slowly, together


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


@pytest.mark.also_deployed
def test_what_is_written_comes_before_what_is_merged_then(client: Client, run: str) -> None:
    with client.streams.writer("logs", target=run) as writer:
        writer.write("one")
        writer.write("two")
        writer.merge(slowly(range(3)))
    assert read(client, run, "logs") == ["one", "two", 0, 1, 2]
    assert writer.wait_until_complete() == 4


def test_a_writer_merges_sources(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        writer.write("one")
        writer.merge(["two", "three"])
        writer.merge(slowly(range(2)))
    assert sorted(map(str, read(client, run))) == ["0", "1", "one", "three", "two"]
    assert len([value for value in writer.stream]) == 5


def test_a_function_may_write(client: Client, run: str) -> None:
    def execute(writer: Any) -> None:
        writer.write("one")
        writer.merge(["two"])

    writer = client.streams.writer("logs", target=run, execute=execute)
    assert writer.wait_until_complete() == 1
    assert [value for value in writer.stream] == ["one", "two"]
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
    assert (client.streams.describe(run)).closed == Closed("failed", "LookupError: gone")


def test_a_body_that_raises_does_not_wait_for_what_it_merges(client: Client, run: str) -> None:
    def body() -> None:
        with client.streams.writer(target=run) as writer:
            writer.write(1)
            writer.drain()
            writer.merge(iter(int, 1))  # for ever
            raise LookupError("gone")

    with pytest.raises(LookupError):
        body()
    assert (client.streams.describe(run)).closed == Closed("failed", "LookupError: gone")


def test_an_interrupted_body_marks_the_stream_as_canceled(client: Client, run: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(client, run, KeyboardInterrupt())
    closed = (client.streams.describe(run)).closed
    assert closed is not None
    assert closed.status == "canceled"


def test_a_writer_that_is_asked_to_stop_ends_its_body(client: Client, run: str) -> None:
    with client.streams.writer(target=run) as writer:
        for value in range(10**9):
            writer.write(value)
            if value == 5:
                writer.drain()
                client.streams.stop(run)
            sleep(0.001)
    assert writer.stopped
    assert (client.streams.describe(run)).closed == Closed("canceled")


def test_a_writer_waits_when_too_much_is_unsent(server: Any, run: str) -> None:
    batching = Batching(unsent_chunks=10)
    with Client(server.url, server.secret, batching=batching) as client:
        with client.streams.writer(target=run) as writer:
            for value in range(200):
                writer.write(value)
                assert writer._producer.unsent <= 10
        assert read(client, run) == list(range(200))


def test_a_writer_that_is_dropped_is_sent_and_warned_of(
    client: Client, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    writer = client.streams.writer(target=run)
    writer.write(1)
    producer = writer._producer
    del writer
    assert done(producer.told()) == 0
    assert "never ended" in caplog.text


@pytest.mark.also_deployed
def test_an_append_is_stored_when_it_returns(client: Client, run: str) -> None:
    assert client.streams.append("logs", {"step": 1}, target=run) == 0
    assert client.streams.append(key="logs", value=["x"], target=run) == 1
    assert client.streams.append("default", target=run) == 0
    assert read(client, run, "logs") == [{"step": 1}, ["x"]]


@pytest.mark.also_deployed
def test_appends_of_many_at_once_are_each_there_once(client: Client, run: str) -> None:
    def work(number: int) -> None:
        for i in range(10):
            client.streams.append([number, i], target=run)

    together(work, range(8))
    found = read(client, run)
    assert sorted(found) == [[number, i] for number in range(8) for i in range(10)]
    for number in range(8):
        assert [i for n, i in found if n == number] == list(range(10))


def test_without_a_run_the_error_says_what_to_do(client: Client) -> None:
    with pytest.raises(NoRun, match=r"target="):
        client.streams.pipe([1])
    with pytest.raises(NoRun, match=r"target="):
        client.streams.append(1)
    with pytest.raises(NoRun, match=r"target="):
        client.streams.writer()
    with pytest.raises(NoRun, match=r"target="):
        client.streams.close()


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
