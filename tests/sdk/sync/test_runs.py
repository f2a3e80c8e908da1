# Written by scripts/unasync.py: change tests/sdk/aio/test_runs.py, then `make format`.
"""`streams.run` of the sync surface: what happens inside, and at its end."""

from collections.abc import Iterator

import pytest

from runstreams import Client, Closed, Timeouts, streams
from runstreams.core.model import Status
from runstreams.errors import NoRun, NotSent, NotThere, RunCompleted, Unreachable
from runstreams.sdk.runs import current_run
from runstreams.testing import in_memory
from runstreams.wiring import now
from tests.sdk.in_threads import sleep
from tests.sdk.scripted import Scripted, memory_log
from tests.sdk.sync.helpers import failing, read, slowly, together


@pytest.mark.also_deployed
def test_inside_a_run_its_streams_are_meant(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append("a")
        client.streams.append("b", target="self")
    assert read(client, run.id) == ["a", "b"]


def test_afterwards_there_is_no_run_any_more(client: Client) -> None:
    with client.streams.run():
        pass
    with pytest.raises(NoRun):
        client.streams.append("a")


@pytest.mark.also_deployed
def test_parent_and_root_are_the_runs_above(client: Client, run: str) -> None:
    with client.streams.run(f"{run}c", parent=f"{run}b", root=f"{run}a") as inside:
        assert (inside.id, inside.parent, inside.root) == (f"{run}c", f"{run}b", f"{run}a")
        client.streams.append("to parent", target="parent")
        client.streams.append("to root", target="root")
    assert read(client, f"{run}b") == ["to parent"]
    assert read(client, f"{run}a") == ["to root"]


def test_without_anything_above_a_run_is_its_own_parent(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.append("a", target="parent")
        client.streams.append("b", target="root")
    assert read(client, run.id) == ["a", "b"]


def test_a_run_in_a_run_is_its_child(client: Client) -> None:
    with (
        client.streams.run() as root,
        client.streams.run() as middle,
        client.streams.run() as leaf,
    ):
        assert (leaf.parent, leaf.root) == (middle.id, root.id)
        client.streams.append("up", target="root")
        client.streams.append("here")
    assert read(client, root.id) == ["up"]
    assert read(client, leaf.id) == ["here"]


def test_the_server_knows_what_is_above_the_parent(client: Client, run: str) -> None:
    with client.streams.run(f"{run}b", parent=f"{run}a"):
        pass
    with client.streams.run(f"{run}c", parent=f"{run}b") as leaf:
        assert leaf.root == f"{run}a"


def test_the_environment_may_name_the_run(
    client: Client, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNSTREAMS_RUN_ID", run)
    monkeypatch.setenv("RUNSTREAMS_PARENT_RUN_ID", f"{run}p")
    client.streams.append("a")
    client.streams.append("b", target="parent")
    assert read(client, run) == ["a"]
    assert read(client, f"{run}p") == ["b"]


@pytest.mark.also_deployed
def test_at_its_end_everything_is_sent_and_the_run_completed(client: Client) -> None:
    with client.streams.run() as run:
        client.streams.pipe("words", slowly(range(30), 0.005))
        writer = client.streams.writer("logs", execute=lambda writer: writer.write("x"))
    assert read(client, run.id, "words", timeout=60) == list(range(30))
    assert read(client, run.id, "logs", timeout=60) == ["x"]
    assert (client.streams.describe(run.id, "words")).closed == Closed("completed")
    assert writer.wait_until_complete() == 0


def test_what_is_begun_for_another_run_is_sent_too(client: Client, run: str) -> None:
    with client.streams.run():
        client.streams.pipe(slowly(range(10), 0.005), target=run)
    assert read(client, run) == list(range(10))


def raise_inside(client: Client, run: str, error: BaseException) -> None:
    with client.streams.run(run):
        client.streams.pipe("words", slowly(range(5), 0.005))
        client.streams.append("closed", 1)
        client.streams.close("closed")
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
def test_a_run_that_raises_says_so_at_the_end_of_each_open_stream(
    client: Client, run: str, error: BaseException, ended: Closed
) -> None:
    with pytest.raises(type(error)):
        raise_inside(client, run, error)
    assert (client.streams.describe(run, "words")).closed == ended
    assert (client.streams.describe(run, "closed")).closed == Closed("completed")
    [info] = [each for each in client.streams.runs() if each.id == run]
    assert (info.status, info.error) == (ended.status, ended.error)
    found = read(client, run, "words", timeout=60, strict=False)
    # Whoever interrupts does not wait for the source.
    assert found == list(range(5 if ended.status != "canceled" else len(found)))


def fail_unseen(client: Client, run: str, times: int = 1) -> None:
    with client.streams.run(run):
        for number in range(times):
            client.streams.pipe(f"k{number}", failing(1))


def test_a_pipe_that_failed_and_nobody_waited_for_fails_the_run(client: Client, run: str) -> None:
    with pytest.raises(LookupError):
        fail_unseen(client, run)
    closed = (client.streams.describe(run, "k0")).closed
    assert closed == Closed("failed", "LookupError: the model is gone")


def test_several_of_them_come_together(client: Client, run: str) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        fail_unseen(client, run, 3)
    assert [type(error) for error in caught.value.exceptions] == [LookupError] * 3


def test_a_failure_that_was_seen_is_not_raised_again(client: Client) -> None:
    with client.streams.run() as run:
        piped = client.streams.pipe(failing(1))
        with pytest.raises(LookupError):
            piped.wait_until_complete()
        client.streams.append("other", 1)
    assert (client.streams.describe(run.id, "other")).closed == Closed("completed")


def in_this_process(flush: float, transport: Scripted | None = None) -> Client:
    """Return a client whose sending is quick also beside a busy machine."""
    way = transport or Scripted(memory_log(now))
    return Client(token="x", timeouts=Timeouts(flush=flush), transport=lambda: way)


def test_a_run_waits_for_its_sources_however_long_they_take(run: str) -> None:
    with in_this_process(flush=1) as client:
        with client.streams.run(run):
            client.streams.pipe(slowly([0, 1], 2))
        assert read(client, run) == [0, 1]
        assert (client.streams.describe(run)).closed == Closed("completed")


def test_so_does_a_client_at_its_end(run: str) -> None:
    with in_this_process(flush=1) as client:
        piped = client.streams.pipe(slowly([0, 1], 2), target=run)
    assert piped.wait_until_complete() == 1


def send_nothing(run: str) -> None:
    transport = Scripted(memory_log(now))
    transport.fail("append", *[Unreachable("the server is away")] * 1000)
    with in_this_process(0.1, transport) as client, client.streams.run(run):
        client.streams.pipe("words", ["a", "b"])


def test_a_run_gives_up_what_makes_no_progress_and_says_why_and_what_to_do(run: str) -> None:
    with pytest.raises(NotSent) as caught:
        send_nothing(run)
    assert str(caught.value).startswith(f"{run}/words: 2 chunks were not sent, since nothing was")
    assert "the server is away" in str(caught.value)
    assert "Timeouts(flush=...)" in str(caught.value)
    assert caught.value.unsent == 2


def test_a_run_ends_where_it_began(run: str) -> None:
    with in_memory():
        scope = streams.run(run)
        scope.__enter__()
        with in_memory():
            scope.__exit__(None, None, None)
            assert streams.runs() == []
        (info,) = streams.runs()
        assert info.completed is not None


def enter(client: Client, run: str, **above: str) -> None:
    with client.streams.run(run, **above):
        client.streams.append("log", 1)


@pytest.mark.also_deployed
def test_a_completed_run_is_not_entered_again_and_a_retry_is_its_child(
    client: Client, run: str
) -> None:
    enter(client, run)
    with pytest.raises(RunCompleted, match=f"{run}: .*begin another run.*parent=") as caught:
        enter(client, run)
    assert caught.value.run == run
    assert read(client, run, "log") == [1]
    enter(client, f"{run}_2", parent=run)


def test_a_run_that_is_open_is_joined_and_the_outer_one_ends_it(client: Client, run: str) -> None:
    with client.streams.run(run):
        enter(client, run)
        client.streams.append("log", 2)
    assert read(client, run, "log") == [1, 2]
    assert (client.streams.describe(run, "log")).closed == Closed("completed")


@pytest.mark.also_deployed
@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_run_may_be_completed_from_anywhere(client: Client, run: str, status: Status) -> None:
    client.streams.append("log", 1, target=run)
    assert (client.streams.complete(run, status=status)).completed is not None
    closed = (client.streams.describe(run, "log")).closed
    assert closed is not None
    assert closed.status == status
    with pytest.raises(RunCompleted):
        enter(client, run)


def test_a_run_is_described_until_it_is_deleted_with_its_streams(client: Client, run: str) -> None:
    enter(client, run)
    assert (client.streams.describe_run(run)).status == "completed"
    assert client.streams.delete_run(run) == 1
    assert client.streams.list(run) == []
    with pytest.raises(NotThere, match="^" + run + ": there is no such run"):
        client.streams.describe_run(run)
    enter(client, run)


def test_a_decorated_function_is_a_run_each_time(client: Client) -> None:
    seen = []

    @client.streams.run(parent="run_above")
    def job(value: int) -> int:
        """Doubles."""
        run = current_run()
        assert run is not None
        seen.append(run.id)
        assert run.parent == "run_above"
        client.streams.pipe(slowly([value]))
        return 2 * value

    assert [job(1), job(2)] == [2, 4]
    assert job.__doc__ == "Doubles."
    assert [read(client, run, timeout=60) for run in seen] == [[1], [2]]
    assert len(set(seen)) == 2


def test_a_source_is_in_the_run_that_pipes_it(client: Client) -> None:
    def source() -> Iterator[int]:
        client.streams.append("beside", "x")
        yield 0

    with client.streams.run() as run:
        client.streams.pipe(source())
    assert read(client, run.id, "beside", timeout=60) == ["x"]


def test_runs_side_by_side_do_not_meet(client: Client) -> None:
    def one(_: int) -> str:
        with client.streams.run() as run:
            client.streams.append(run.id)
            sleep(0.01)
            client.streams.pipe([run.id])
            return run.id

    for run in together(one, range(5)):
        assert read(client, run, timeout=60) == [run, run]
