# Written by scripts/unasync.py: change tests/sdk/aio/test_kept_out.py, then `make format`.
"""What a worker leaves alone that another one has followed, on the sync surface."""

import pytest

from runstreams import Client
from runstreams.errors import FencedOff
from tests.sdk.in_threads import elsewhere
from tests.sdk.sync.helpers import read


@pytest.mark.parametrize("took_over", [False, True])
def test_a_worker_that_is_canceled_leaves_its_run_to_the_one_that_followed(
    client: Client, run: str, took_over: bool
) -> None:
    with client.streams.run(run):
        begin = client.streams.take_over if took_over else None
        old = begin("k") if begin else client.streams.writer("k")
        old.write("a")
        old.drain()
        new = elsewhere(client.streams.take_over, "k", target=run, close=True)
        old._producer.cancel()
    assert (client.streams.describe_run(run)).completed is None
    with new:
        new.write("b")
    assert read(client, run, "k") == ["a", "b"]


@pytest.mark.parametrize("of_run", [0, 60])
@pytest.mark.parametrize("of_writer", [0, 60, None])
def test_a_worker_that_has_sent_all_asks_whether_it_was_followed(
    client: Client, run: str, of_run: int, of_writer: int | None
) -> None:
    """Whatever it promises: the one that followed has only begun."""
    with pytest.raises(FencedOff):
        be_followed_in_the_end(client, run, of_run, of_writer)
    assert (client.streams.describe_run(run)).completed is None
    client.streams.append("k", "c", target=run)
    assert read(client, run, "k") == ["a", "b", "c"]


def be_followed_in_the_end(client: Client, run: str, of_run: int, of_writer: int | None) -> None:
    with (
        client.streams.run(run, lease=of_run),
        client.streams.take_over("k", lease=of_writer) as old,
    ):
        old.write("a")
        old.drain()
        new = elsewhere(client.streams.take_over, "k", target=run, lease=0, close=False)
        new.write("b")
        new.drain()
        new._producer.abandon()


@pytest.mark.parametrize("unsent", [False, True])
@pytest.mark.parametrize("close", [False, None, True])
def test_a_worker_whose_stream_was_ended_by_the_one_that_followed_leaves_the_run_to_it(
    client: Client, run: str, close: bool | None, unsent: bool
) -> None:
    """That one may have more to write in the run."""
    with pytest.raises(FencedOff):
        be_followed_to_the_end(client, run, close, unsent)
    assert (client.streams.describe_run(run)).completed is None


def be_followed_to_the_end(client: Client, run: str, close: bool | None, unsent: bool) -> None:
    with (
        client.streams.run(run),
        client.streams.take_over("k", close=close, lease=0) as old,
    ):
        old.write("a")
        old.drain()
        new = elsewhere(client.streams.take_over, "k", target=run, close=True)
        new.close()
        new.wait_until_complete()
        if unsent:
            old.write("late")


def test_a_run_is_completed_that_wrote_to_a_stream_of_its_parent_which_was_taken_over(
    client: Client, run: str
) -> None:
    with pytest.raises(FencedOff):
        write_late_to_parent(client, run)
    assert (client.streams.describe_run(f"{run}_child")).completed is not None
    assert (client.streams.describe_run(run)).completed is None


def write_late_to_parent(client: Client, parent: str) -> None:
    with client.streams.run(f"{parent}_child", parent=parent):
        old = client.streams.take_over("k", target="parent")
        elsewhere(client.streams.take_over, "k", target=parent)
        old.write("late")
        old.drain()
