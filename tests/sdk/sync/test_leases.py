# Written by scripts/unasync.py: change tests/sdk/aio/test_leases.py, then `make format`.
"""Who is missed: pipes and writers while they are open, runs until they end."""

from collections.abc import Iterator
from typing import Any

import pytest

from runstreams import Client
from tests.sdk.in_threads import sleep

pytestmark = pytest.mark.also_deployed


def pausing(gate: list[bool]) -> Iterator[int]:
    yield 0
    while not gate:
        sleep(0.01)


def leased(client: Client, run: str, key: str | None = None) -> bool:
    return (client.streams.describe(run, key)).leased_until is not None


def written(client: Client, run: str, key: str | None = None) -> None:
    """Wait for the first chunk."""
    with client.streams.read(run, key) as reader:
        for _ in reader:
            return


def test_an_open_pipe_holds_a_lease_and_lets_go_at_its_end(client: Client, run: str) -> None:
    gate: list[bool] = []
    piped = client.streams.pipe(pausing(gate), target=run)
    written(client, run)
    assert leased(client, run)
    gate.append(True)
    piped.wait_until_complete()
    assert not leased(client, run)
    assert (client.streams.describe(run)).closed is None


def test_an_open_writer_holds_a_lease_before_it_writes_anything(client: Client, run: str) -> None:
    with client.streams.writer(target=run):
        while not client.streams.list(run):
            sleep(0.01)
        assert leased(client, run)
    assert not leased(client, run)


def test_a_single_append_promises_nothing(client: Client, run: str) -> None:
    client.streams.append("x", target=run)
    assert not leased(client, run)


def test_a_run_holds_what_was_written_in_it_and_its_record_until_its_end(
    client: Client, run: str
) -> None:
    with client.streams.run(run):
        client.streams.pipe("piped", [1]).wait_until_complete()
        client.streams.append("appended", 1)
        assert leased(client, run, "piped")
        assert leased(client, run, "appended")
        (record,) = [one for one in client.streams.runs() if one.id == run]
        assert (record.status, record.leased_until is not None) == ("running", True)
    (record,) = [one for one in client.streams.runs() if one.id == run]
    assert (record.status, record.leased_until) == ("completed", None)


def test_a_run_within_itself_leaves_what_it_wrote_to_the_outer_one(
    client: Client, run: str
) -> None:
    with client.streams.run(run):
        with client.streams.run(run):
            client.streams.append("x")
        assert leased(client, run)


def test_what_is_written_elsewhere_is_not_the_runs_to_hold(client: Client, run: str) -> None:
    other = f"{run}_other"
    with client.streams.run(run):
        client.streams.pipe([1], target=other).wait_until_complete()
        client.streams.append("appended", 1, target=other)
        assert not leased(client, other)
        assert not leased(client, other, "appended")


def test_none_is_held_on_request(client: Client, run: str) -> None:
    gate: list[bool] = []
    with client.streams.run(run, lease=0):
        client.streams.pipe(pausing(gate))
        client.streams.pipe("leased", pausing(gate), lease=30)
        written(client, run)
        written(client, run, "leased")
        assert not leased(client, run)
        assert leased(client, run, "leased")
        gate.append(True)


def test_runs_are_listed_by_how_they_are(client: Client, run: str) -> None:
    with client.streams.run(run):
        client.streams.complete(f"{run}_other", status="failed", error="out of luck")
        failed = client.streams.runs(status="failed")
        assert failed[0].id == f"{run}_other"
        assert (failed[0].status, failed[0].error) == ("failed", "out of luck")
        assert run not in [one.id for one in failed]
        assert run in [one.id for one in client.streams.runs(status="running")]


def test_who_may_only_manage_a_run_completes_it_as_it_ended(
    server: Any, client: Client, run: str
) -> None:
    client.streams.append("x", target=run)
    token = client.auth.create_public_token(manage=[run])
    with Client(server.url, token) as manager:
        info = manager.streams.complete(run, status="canceled", error="no more")
    assert (info.status, info.error) == ("canceled", "no more")
    closed = (client.streams.describe(run)).closed
    assert closed is not None
    assert (closed.status, closed.error) == ("canceled", "no more")
