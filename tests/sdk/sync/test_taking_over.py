# Written by scripts/unasync.py: change tests/sdk/aio/test_taking_over.py, then `make format`.
"""Taking a stream over, on the sync surface at a real server."""

from collections.abc import Callable
from typing import Any

import pytest

from runstreams import Client
from runstreams.errors import FencedOff, StreamClosed
from tests.sdk.sync.helpers import read


@pytest.mark.also_deployed
def test_a_writer_of_before_is_refused_and_the_new_one_goes_on(client: Client, run: str) -> None:
    old = client.streams.writer("k", target=run, close=True)
    old.write("so")
    old.drain()
    with client.streams.take_over("k", target=run, close=True) as new:
        old.write("late")
        with pytest.raises(FencedOff) as refused:
            old.wait_until_complete()
        assert refused.value.fence == 1
        assert (new.next_index, new.stored()) == (1, ["so"])
        new.write("it goes")
    assert read(client, run, "k") == ["so", "it goes"]


def test_a_pipe_of_before_that_has_nothing_left_to_send_does_not_close_the_stream(
    client: Client, run: str
) -> None:
    old = client.streams.writer("k", target=run, close=True)
    old.write("all")
    old.drain()
    new = client.streams.take_over("k", target=run)
    old.close()
    with pytest.raises(FencedOff):
        old.wait_until_complete()
    assert (client.streams.describe(run, "k")).closed is None
    new.close()
    assert new.wait_until_complete() is None


def test_each_start_keeps_out_the_one_before_though_it_has_written_nothing(
    client: Client, run: str
) -> None:
    first = client.streams.take_over("k", target=run)
    second = client.streams.take_over("k", target=run)
    first.write("late")
    with pytest.raises(FencedOff):
        first.drain()
    with second:
        second.write("now")
    assert read(client, run, "k") == ["now"]


def test_a_run_of_before_is_left_to_whoever_has_taken_its_stream_over(
    client: Client, run: str
) -> None:
    with pytest.raises(FencedOff):
        write_late(client, run)
    assert (client.streams.describe_run(run)).completed is None


def write_late(client: Client, run: str) -> None:
    with client.streams.run(run):
        old = client.streams.take_over("k")
        client.streams.take_over("k")
        old.write("late")
        old.drain()


def end_late(client: Client, run: str) -> None:
    with client.streams.take_over("k", target=run) as old:
        old.write("all")
        old.drain()
        (client.streams.take_over("k", target=run)).close()


def end_run_late(client: Client, run: str) -> None:
    with client.streams.run(run):
        end_late(client, run)


@pytest.mark.parametrize("late", [end_late, end_run_late])
def test_one_that_has_nothing_left_to_send_is_told_at_its_end(
    client: Client, run: str, late: Callable[[Client, str], Any]
) -> None:
    """Else it would complete its run, and end the stream of who has taken over."""
    with pytest.raises(FencedOff):
        late(client, run)
    assert (client.streams.describe(run, "k")).closed is None


def test_single_appends_and_writers_that_begin_later_are_not_refused(
    client: Client, run: str
) -> None:
    with client.streams.take_over("k", target=run) as new:
        new.write(0)
        new.drain()
        client.streams.append("k", 1, target=run)
        with client.streams.writer("k", target=run) as beside:
            for number in (2, 3):
                beside.write(number)
                beside.drain()
    assert read(client, run, "k") == [0, 1, 2, 3]


def test_what_is_stored_is_as_defined(client: Client, run: str) -> None:
    numbers = client.streams.define("k", set[int])
    numbers.append({1}, target=run)
    with numbers.take_over(target=run) as new:
        assert new.stored() == [{1}]


def test_what_has_ended_is_not_taken_over(client: Client, run: str) -> None:
    client.streams.close("k", target=run)
    with pytest.raises(StreamClosed):
        client.streams.take_over("k", target=run)
