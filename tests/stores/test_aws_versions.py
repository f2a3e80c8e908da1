"""Two versions at work on the same streams, as in the middle of a deployment: processes that know
names with a hash, or batches in the head, beside ones that do not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runstreams.core.model import StreamId
from runstreams.stores.aws.table import head_key
from tests.emulators.place import Place
from tests.tools import ROOT

APPENDS = 40
"""Enough for sealing, twice."""

PIPE = subprocess.PIPE


class Version:
    """A process of one version."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def does(self, *order: Any) -> Any:
        """Return what it answers to *order*."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def running(name: str, place: Place, **environ: str) -> Iterator[Version]:
    command = [sys.executable, "-m", "tests.stores.versions", name]
    env = {**os.environ, **place.environment(), "PYTHONPATH": f"{ROOT}/src:{ROOT}", **environ}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, env=env, text=True) as process:
        yield Version(process)


ALL_OBJECTS = {"RUNSTREAMS_INLINE_BYTES": "0", "RUNSTREAMS_SHORT_CLIENTS": "off"}
"""What versions did that knew nothing else, and what this one does if it is told to."""


@pytest.fixture
def earlier(quick_aws_place: Place) -> Iterator[Version]:
    with running("earlier", quick_aws_place, **ALL_OBJECTS) as version:
        yield version


@pytest.fixture
def later(quick_aws_place: Place) -> Iterator[Version]:
    with running("this", quick_aws_place) as version:
        yield version


@pytest.fixture
def by_id(quick_aws_place: Place) -> Iterator[Version]:
    """The version that knows names with a hash, and clients by their ids only."""
    with running("before", quick_aws_place) as version:
        yield version


@pytest.fixture
def next_careful(quick_aws_place: Place) -> Iterator[Version]:
    """This version, as it is deployed over that one first."""
    with running("this", quick_aws_place, **ALL_OBJECTS) as version:
        yield version


@pytest.fixture
def careful(quick_aws_place: Place) -> Iterator[Version]:
    """This version, as it is deployed first."""
    with running("this", quick_aws_place, RUNSTREAMS_SPREAD="off", **ALL_OBJECTS) as version:
        yield version


def keys(place: Place) -> list[str]:
    """Return the keys of all objects."""
    s3, dynamodb = place.clients(threads=1)
    found = s3.list_objects_v2(Bucket=place.bucket).get("Contents", [])
    s3.close()
    dynamodb.close()
    return [each["Key"] for each in found]


def take_turns(key: str, *versions: Version) -> None:
    """Let *versions* append to one stream by turns, each as a client of its own, and read it."""
    for number in range(APPENDS):
        for at, version in enumerate(versions):
            index = number * len(versions) + at
            assert version.does("append", key, f"c{at}", number, index) == index
    for version in versions:
        assert version.does("read", key) == list(range(APPENDS * len(versions)))


def test_streams_of_before_are_written_and_read_by_both(
    earlier: Version, later: Version, quick_aws_place: Place
) -> None:
    """The later one puts its objects where the earlier one looks for them."""
    take_turns("key", earlier, later)
    assert earlier.does("close", "key") == 2 * APPENDS
    for version in (earlier, later):
        assert version.does("read", "key") == list(range(2 * APPENDS))
    assert {key[:10] for key in keys(quick_aws_place)} == {"s/run/key/"}


def test_until_it_is_told_otherwise_a_version_opens_streams_that_the_one_before_can_use(
    earlier: Version, careful: Version, later: Version
) -> None:
    take_turns("key", careful, earlier, later)
    assert earlier.does("delete", "key")


def test_clients_are_known_by_their_ids_where_a_stream_was_opened_so(
    by_id: Version, next_careful: Version, later: Version
) -> None:
    """By all three, whoever opens it, and each resend is recognised by whoever gets it."""
    for key, versions in {
        "one": (by_id, next_careful, later),
        "two": (next_careful, later, by_id),
    }.items():
        take_turns(key, *versions)
        for version in versions:
            assert version.does("append", key, "c0", APPENDS - 1, APPENDS - 1) == 3 * APPENDS - 3
        assert by_id.does("close", key) == 3 * APPENDS


def test_a_version_that_knows_clients_by_their_ids_leaves_others_alone(
    by_id: Version, next_careful: Version, later: Version
) -> None:
    """It would take a resend for something new."""
    take_turns("key", later, next_careful)
    for client in ("c0", "d"):
        assert by_id.does("append", "key", client, 0, "lost") == "StoreError"
    assert by_id.does("read", "key") == "StoreError"
    resent = later.does("append", "key", "c1", APPENDS - 1, 2 * APPENDS - 1)
    assert resent == 2 * APPENDS - 1
    assert next_careful.does("append", "key", "d", 0, "found") == 2 * APPENDS


def test_an_earlier_version_leaves_a_stream_alone_whose_objects_it_would_not_find(
    earlier: Version, later: Version, quick_aws_place: Place
) -> None:
    """It says so, and whoever asked comes back: by then it may meet the later version."""
    for number in range(APPENDS):
        later.does("append", "key", "c", number, number)
        before = keys(quick_aws_place)
        assert earlier.does("append", "key", "d", 0, "lost") == "StoreError"
        assert earlier.does("read", "key") == "StoreError"
        assert {key[:2] for key in set(keys(quick_aws_place)) - set(before)} == {"b/"}
    assert later.does("append", "key", "d", 0, "found") == APPENDS
    assert later.does("read", "key") == [*range(APPENDS), "found"]


def test_what_was_opened_with_a_hash_is_used_by_a_version_that_opens_none(
    careful: Version, later: Version
) -> None:
    """As when one goes back by a step of the deployment."""
    take_turns("key", later, careful)
    assert careful.does("delete", "key")
    assert later.does("read", "key") == []


def test_deleting_leaves_nothing_of_either_kind(
    careful: Version, later: Version, quick_aws_place: Place
) -> None:
    for version in (careful, later):
        take_turns("key", version)
        assert version.does("delete", "key")
        assert keys(quick_aws_place) == []


@pytest.fixture
def before(aws_place: Place) -> Iterator[Version]:
    """The version that knew no batches in heads."""
    with running("before", aws_place, **ALL_OBJECTS) as version:
        yield version


@pytest.fixture
def inlining(aws_place: Place) -> Iterator[Version]:
    with running("this", aws_place) as version:
        yield version


@pytest.fixture
def rolled_back(aws_place: Place) -> Iterator[Version]:
    """This version, as it is deployed first, or as one goes back to it."""
    with running("this", aws_place, **ALL_OBJECTS) as version:
        yield version


def test_a_head_of_before_takes_no_batch_and_is_used_by_both(
    before: Version, inlining: Version
) -> None:
    take_turns("key", before, inlining)
    assert before.does("close", "key") == 2 * APPENDS
    assert inlining.does("read", "key") == list(range(2 * APPENDS))


@pytest.mark.soak
def test_until_batches_may_lie_in_heads_the_version_before_can_use_what_is_opened(
    before: Version, rolled_back: Version, inlining: Version
) -> None:
    take_turns("key", rolled_back, before, inlining)
    assert before.does("delete", "key")


@pytest.mark.soak
def test_a_version_that_knows_no_batches_in_heads_changes_nothing_where_some_may_lie(
    before: Version, inlining: Version, aws_place: Place
) -> None:
    for number in range(APPENDS):
        inlining.does("append", "key", "c", number, number)
        item = head_item(aws_place)
        for order in (("append", "key", "d", 0, 0), ("read", "key"), ("close", "key")):
            assert before.does(*order) == "StoreError"
        assert head_item(aws_place) == item
    assert inlining.does("append", "key", "d", 0, "found") == APPENDS
    assert inlining.does("read", "key") == [*range(APPENDS), "found"]


def test_who_goes_back_reads_seals_and_deletes_what_the_newer_one_wrote(
    inlining: Version, rolled_back: Version, aws_place: Place
) -> None:
    take_turns("key", inlining, rolled_back)
    for number in range(APPENDS):
        inlining.does("append", "last", "c", number, number)
    assert rolled_back.does("read", "last") == list(range(APPENDS))
    assert rolled_back.does("close", "last") == APPENDS
    assert rolled_back.does("read", "last") == list(range(APPENDS))
    for key in ("key", "last"):
        assert rolled_back.does("delete", key)
    assert keys(aws_place) == []


def test_a_head_of_a_form_to_come_is_left_as_it_is(inlining: Version, aws_place: Place) -> None:
    inlining.does("append", "key", "c", 0, 0)
    item = head_item(aws_place, v={"N": "6"})
    for order in (["append", "key", "c", 1, 1], ["read", "key"], ["close", "key"]):
        assert inlining.does(*order) == "StoreError"
        assert head_item(aws_place) == item
    assert inlining.does("delete", "key") == "StoreError"
    assert head_item(aws_place) == item


@pytest.fixture
def forkless(aws_place: Place) -> Iterator[Version]:
    """The version that knows no forks."""
    with running("forkless", aws_place) as version:
        yield version


def test_a_version_that_knows_no_forks_changes_nothing_of_them_or_their_sources(
    forkless: Version, inlining: Version, aws_place: Place
) -> None:
    take_turns("key", forkless, inlining)
    inlining.does("fork", "key", "fork")
    item = head_item(aws_place)
    for key in ("key", "fork"):
        for order in (("append", key, "d", 0, 0), ("read", key), ("close", key), ("delete", key)):
            assert forkless.does(*order) == "StoreError"
    assert head_item(aws_place) == item
    assert inlining.does("read", "fork") == list(range(2 * APPENDS))


@pytest.fixture
def fenceless(aws_place: Place) -> Iterator[Version]:
    """The version in which nobody takes a stream over."""
    with running("fenceless", aws_place) as version:
        yield version


@pytest.mark.parametrize("forked", [False, True])
def test_a_version_that_knows_no_fences_changes_nothing_of_a_stream_that_was_taken_over(
    fenceless: Version, inlining: Version, aws_place: Place, forked: bool
) -> None:
    """Also when others were forked from it since."""
    take_turns("key", fenceless, inlining)
    inlining.does("take over", "key")
    if forked:
        assert inlining.does("fork", "key", "fork") == 2 * APPENDS
    item = head_item(aws_place)
    for order in (("append", "key", "d", 0, 0), ("read", "key"), ("close", "key")):
        assert fenceless.does(*order) == "StoreError"
    assert fenceless.does("delete", "key") == "StoreError"
    assert head_item(aws_place) == item
    assert inlining.does("append", "key", "d", 0, "found") == 2 * APPENDS


def test_a_version_that_knows_no_fences_changes_nothing_of_a_stream_with_superseded_chunks(
    fenceless: Version, inlining: Version, aws_place: Place
) -> None:
    """It would show them."""
    take_turns("key", fenceless, inlining)
    assert inlining.does("supersede", "key") == 2 * APPENDS
    item = head_item(aws_place)
    for order in (("append", "key", "d", 0, 0), ("read", "key"), ("close", "key")):
        assert fenceless.does(*order) == "StoreError"
    assert head_item(aws_place) == item


def test_a_source_that_was_never_taken_over_is_used_by_both(
    fenceless: Version, inlining: Version
) -> None:
    take_turns("key", fenceless, inlining)
    inlining.does("fork", "key", "fork")
    assert fenceless.does("append", "key", "d", 0, "found") == 2 * APPENDS


def head_item(place: Place, **changed: Any) -> Any:
    """Return the head of the stream as it lies in the table, after it was *changed*."""
    s3, dynamodb = place.clients(threads=1)
    found = dynamodb.get_item(TableName=place.table, Key=head_key(StreamId("run", "key")))["Item"]
    if changed:
        dynamodb.put_item(TableName=place.table, Item=found | changed)
    s3.close()
    dynamodb.close()
    return found | changed
