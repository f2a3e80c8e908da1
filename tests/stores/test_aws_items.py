"""What is written to the table is read back as it was."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.errors import StoreError
from runstreams.core.limits import DAY_MS
from runstreams.core.model import Closed, Head, Pointer, Run, Sent, StreamId
from runstreams.stores.aws.codec import (
    SHARDS,
    STATE,
    decode_head,
    decode_run,
    decode_sent,
    encode_head,
    encode_run,
    encode_sent,
    place,
    shard,
)
from runstreams.stores.aws.pointers import decode_pointers, encode_pointer
from runstreams.stores.aws.table import client_key, clients_prefix, head_key, run_key
from runstreams.stores.aws.writers import MARK, hashed, packed, unpacked
from tests.stores.aws_strategies import RUNS, SENT, TEXTS, TIMES, any_head, as_read


@given(any_head())
def test_a_head_is_read_as_it_was_written(head: Head) -> None:
    found = decode_head(encode_head(head))
    assert as_read(head) == found
    assert all(found.clients[client] == sent for client, sent in head.clients.items())


@given(any_head())
def test_what_a_bare_listing_brings_is_all_but_what_grows(head: Head) -> None:
    item = {name: value for name, value in encode_head(head).items() if name in STATE}
    grows: Any = {"pending": (), "clients": {}, "once": {}, "unsealed": 0, "book": None}
    assert decode_head(item) == replace(decode_head(encode_head(head)), **grows)


@given(st.lists(TEXTS, unique=True))
def test_no_two_clients_have_one_name_and_a_name_stays_as_it_is(clients: list[str]) -> None:
    ids = [client for client in clients if not client.startswith(MARK)]
    names = {hashed(client) for client in ids}
    assert len(names) == len(ids)
    assert {hashed(name) for name in names} == names
    assert all(len(name) == 12 for name in names)


@given(SENT)
def test_how_far_a_client_has_come_fits_into_one_number(sent: Sent) -> None:
    """DynamoDB keeps 38 digits, and the emulators at least 28."""
    assert unpacked(packed(sent)) == sent
    assert len(packed(sent)["N"]) <= 28


@given(RUNS)
def test_a_run_is_read_as_it_was_written(run: Run) -> None:
    assert run == decode_run({**run_key(run.id), **encode_run(run)})


def test_a_head_that_says_nothing_of_leases_was_never_leased() -> None:
    """As those were written before there were leases, in the same form."""
    item = encode_head(Head("g", created=0, expires=1, closed=Closed("failed", "why")))
    assert not item.keys() & {"lease", "lease_ms", "lease_by"}
    assert decode_head(item).lease is None
    assert decode_head(item).closed == Closed("failed", "why", code=None)


def test_a_run_that_does_not_say_how_it_was_completed_was_completed() -> None:
    item = {**run_key("r"), **encode_run(Run("r", 0, 1, completed=5, status="completed"))}
    del item["status"]
    assert decode_run(item) == Run("r", 0, 1, completed=5, status="completed")


@given(SENT, TIMES)
def test_a_moved_out_client_is_read_as_it_was_written(sent: Sent, expires: int) -> None:
    assert sent == decode_sent(encode_sent(sent, expires))


def test_a_pointers_time_never_falls_below_the_one_before() -> None:
    """Machines' clocks differ; what a reader sees is the running maximum."""
    written = (
        Pointer("a", 0, 2, 9, 50, 0),
        Pointer("b", 0, 1, 9, 40, 0),
        Pointer("c", 0, 1, 9, 60, 0),
    )
    found = decode_pointers(map(encode_pointer, written), first=7, time=45)
    assert [(pointer.first, pointer.time) for pointer in found] == [(7, 50), (9, 50), (10, 60)]


def test_a_pointer_is_not_older_than_what_is_sealed() -> None:
    [found] = decode_pointers([encode_pointer(Pointer("a", 0, 1, 9, 50, 0))], first=0, time=70)
    assert found.time == 70


def test_a_pointer_of_another_form_is_refused() -> None:
    with pytest.raises(StoreError, match="form 3"):
        decode_pointers(["3.later"], first=0, time=0)


def test_an_item_of_another_version_is_refused() -> None:
    item = encode_head(Head("g", created=0, expires=1)) | {"v": {"N": "6"}}
    with pytest.raises(StoreError, match="format 6"):
        decode_head(item)


def test_an_item_may_be_removed_a_day_after_it_has_expired() -> None:
    head = Head("g", created=0, expires=5_000)
    assert {"N": str(5 + DAY_MS // 1000)} == encode_head(head)["ttl"]


@given(st.tuples(TIMES, TEXTS), st.tuples(TIMES, TEXTS))
def test_runs_are_sorted_by_creation_and_id(one: tuple[int, str], other: tuple[int, str]) -> None:
    """DynamoDB sorts text by its bytes."""
    assert (one < other) == (place(*one).encode() < place(*other).encode())


@given(TEXTS)
def test_a_run_is_in_a_shard_that_is_looked_into(run: str) -> None:
    assert int(shard(run)) in range(SHARDS)


@given(TEXTS, TEXTS, TEXTS)
def test_a_moved_out_client_is_among_those_of_its_head_only(
    key: str, client: str, other: str
) -> None:
    item = client_key(StreamId("run", key), "0" * 16, client)["item"]["S"]
    assert item.startswith(clients_prefix(StreamId("run", key), "0" * 16))
    assert (key == other) == item.startswith(clients_prefix(StreamId("run", other), "0" * 16))


@given(TEXTS, TEXTS)
def test_no_stream_is_taken_for_the_runs_record(run: str, key: str) -> None:
    assert run_key(run) != head_key(StreamId(run, key))
