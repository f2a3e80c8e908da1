"""The store in its surroundings: its settings, its resources, and what is particular to AWS."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runstreams.core.errors import ObjectMissing, RunCompleted
from runstreams.core.limits import KIB, Limits
from runstreams.core.model import (
    Batch,
    Head,
    Pointer,
    Run,
    SegmentName,
    Sent,
    StoredBatch,
    StreamId,
)
from runstreams.core.names import check_client, check_key, check_run
from runstreams.core.ports import Committed, Terms
from runstreams.stores.aws import AwsStore, SettingMissing
from runstreams.stores.aws.expressions import REMOVALS
from runstreams.wiring import new_id
from tests.emulators.place import Place
from tests.emulators.resources import create_resources
from tests.stores.aws_strategies import RUNS

STREAM = StreamId("run", "key")
NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\"),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", ".."))


@pytest.fixture
async def store(aws_place: Place) -> AsyncIterator[AwsStore]:
    store = aws_place.store()
    yield store
    await store.aclose()


async def open_stream(store: AwsStore, stream: StreamId = STREAM, now: int = 1) -> Head:
    head = Head(store.mark + uuid4().hex[:16], created=now, expires=now + 1000)
    await store.heads.open(stream, head, Run(stream.run, now, now + 2000))
    return head


@pytest.mark.parametrize("missing", ["RUNSTREAMS_BUCKET", "RUNSTREAMS_TABLE"])
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, quick_aws_place: Place, missing: str
) -> None:
    for name, value in quick_aws_place.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(SettingMissing, match=missing):
        AwsStore.from_environment(new_id=new_id)


async def test_a_store_finds_its_place_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, quick_aws_place: Place
) -> None:
    for name, value in quick_aws_place.environment().items():
        monkeypatch.setenv(name, value)
    store, other = AwsStore.from_environment(new_id=new_id), quick_aws_place.store()
    stream = StreamId(uuid4().hex, "key")
    await open_stream(store, stream)
    staged = await store.batches.put(stream, Batch(b"1\n", 1, time=5))
    outcome = await other.heads.commit(stream, staged, Terms(now=2), 0, Limits())
    assert isinstance(outcome, Committed)
    assert (await other.batches.get(stream, outcome.head.pending))[0].lines == b"1\n"
    await store.aclose()
    await other.aclose()


def test_importing_the_store_imports_no_web_framework_and_no_stubs() -> None:
    """Each would be paid for at every cold start."""
    code = "import sys, runstreams.stores.aws; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in found.stdout.split()}
    assert "botocore" in modules
    assert not modules & {"boto3", "fastapi", "pydantic", "mypy_boto3_s3"}


def test_the_resources_clean_up_after_themselves(aws_endpoint: str) -> None:
    name = f"own-{uuid4().hex}"
    s3, dynamodb = Place(aws_endpoint, name, name).clients(threads=1)
    create_resources(s3, dynamodb, name, name)
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    expiry = {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules[:2]}
    assert expiry == {"b/": 28, "s/": 28}
    assert rules[2]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    s3.close()
    dynamodb.close()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(NAMES, NAMES, NAMES)
async def test_any_valid_name_works_everywhere(
    store: AwsStore, run: str, key: str, client: str
) -> None:
    stream = StreamId(check_run(run), check_key(key))
    opened = await open_stream(store, stream)
    batch = Batch(b"1\n", 1, time=5, client=check_client(client))
    staged = await store.batches.put(stream, batch)
    outcome = await store.heads.commit(stream, staged, Terms(now=2), 0, Limits())
    assert outcome.head is not None
    assert outcome.head.clients[client] == Sent(0, 0)
    assert (await store.batches.get(stream, outcome.head.pending))[0].client == client
    name = SegmentName(opened.generation, last=0, first=0, time=5)
    await store.segments.put(stream, name, b"body")
    assert await store.segments.names(stream, opened.generation, 0) == [name._replace(size=4)]
    assert await store.segments.generations(stream) == [opened.generation]
    await store.heads.spill(stream, opened.generation, {client: Sent(0, 0)}, expires=9)
    assert await store.heads.spilled(stream, opened.generation, client) == Sent(0, 0)
    assert key in [found for found, _ in await store.heads.streams(run, 100, None)]
    await store.segments.delete(stream, [name])
    await store.heads.delete(stream)
    await store.heads.delete_spilled(stream, opened.generation)
    assert await store.heads.spilled(stream, opened.generation, client) is None


async def test_the_list_begins_with_the_segment_that_holds_the_index(store: AwsStore) -> None:
    segments = [SegmentName("g", at + 9, at, time=5, size=1) for at in range(0, 50, 10)]
    for name in segments:
        await store.segments.put(STREAM, name, b"x")
    for index, first in ((0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (49, 4), (50, 5)):
        assert await store.segments.names(STREAM, "g", index) == segments[first:]


@pytest.mark.soak
async def test_a_thousand_segments_are_listed_at_a_time(quick_aws_place: Place) -> None:
    store, stream = quick_aws_place.store(), StreamId(uuid4().hex, "key")
    segments = [SegmentName("g", at, at, time=5, size=1) for at in range(1003)]
    await asyncio.gather(*(store.segments.put(stream, name, b"x") for name in segments))
    assert await store.segments.names(stream, "g", 0) == segments[:1000]
    assert await store.segments.names(stream, "g", 1000) == segments[1000:]
    await store.segments.delete(stream, segments)
    assert await store.segments.names(stream, "g", 0) == []
    await store.aclose()


async def test_a_segment_is_read_by_ranges_as_far_as_it_goes(store: AwsStore) -> None:
    name = SegmentName("g", 9, 0, time=5)
    for start, end in ((0, 10), (5, 5)):
        with pytest.raises(ObjectMissing):
            await store.segments.get(STREAM, name, start, end)
    with pytest.raises(ObjectMissing):
        await store.batches.get(STREAM, [Pointer("gone", 0, 1, 1, 5, 0)])
    await store.segments.put(STREAM, name, b"0123456789")
    assert await store.segments.get(STREAM, name, 3, 5) == b"34"
    assert await store.segments.get(STREAM, name, 8, 100) == b"89"
    assert await store.segments.get(STREAM, name, 10, 20) == b""
    assert await store.segments.get(STREAM, name, 5, 5) == b""


async def test_more_streams_than_a_megabyte_of_heads_are_listed_by_key(store: AwsStore) -> None:
    """DynamoDB answers a query by the megabyte; these heads are 64 KiB each."""
    keys = sorted(f"{number} ü" for number in range(20))
    for key in keys:
        head = Head("g", 1, 9, once={"x" * 64 * KIB: 1})
        await store.heads.open(StreamId("run", key), head, Run("run", 1, 9))
    listed = await store.heads.streams("run", 100, None)
    assert [key for key, _ in listed] == keys
    assert [key for key, _ in await store.heads.streams("run", 3, keys[4])] == keys[5:8]
    assert await store.heads.streams("run", 3, keys[-1]) == []


async def test_a_bare_listing_brings_nothing_of_what_lies_in_a_head(store: AwsStore) -> None:
    lines = StoredBatch(b'"secret"\n', "c", 0)
    head = Head(
        "hsg", 1, 9, 1, unsealed=1, pending=(Pointer("n", 0, 1, 8, 5, 0, lines),), inlined=49
    )
    await store.heads.open(STREAM, replace(head, clients={"c": Sent(0, 0)}), Run("run", 1, 9))
    [(_, bare)] = await store.heads.streams("run", 9, None, bare=True)
    [(_, whole)] = await store.heads.streams("run", 9, None)
    assert (bare.pending, bare.clients, bare.inlined) == ((), {}, 49)
    assert (whole.pending, len(whole.clients)) == (head.pending, 1)


async def test_the_newest_runs_come_first_across_all_shards(store: AwsStore) -> None:
    runs = [Run(f"run {number % 7} {number}", number // 3, 9) for number in range(40)]
    for run in runs:
        await store.runs.put(run)
    newest = sorted(runs, key=lambda run: (run.created, run.id), reverse=True)
    found: list[Run] = []
    while page := await store.runs.recent(7, (found[-1].created, found[-1].id) if found else None):
        found += page
    assert found == newest


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(RUNS)
async def test_an_expired_runs_record_gives_way_to_a_new_one(store: AwsStore, run: Run) -> None:
    await store.runs.put(run)
    fresh = Run(run.id, run.expires, run.expires + 1000)
    head = Head(uuid4().hex[:16], fresh.created, fresh.expires)
    await store.heads.open(StreamId(run.id, "key"), head, fresh)
    assert await store.runs.get(run.id) == fresh
    assert await store.heads.get(StreamId(run.id, "key")) == head
    await store.runs.delete(run.id)
    await store.heads.delete(StreamId(run.id, "key"))


async def test_a_live_head_is_kept_and_its_runs_record_made_if_missing(store: AwsStore) -> None:
    opened = await open_stream(store)
    await store.runs.delete("run")
    await open_stream(store, now=2)
    assert await store.heads.get(STREAM) == opened
    record = await store.runs.get("run")
    assert record is not None
    assert record.created == 2


async def test_a_live_head_does_not_hide_that_the_run_is_completed(store: AwsStore) -> None:
    opened = await open_stream(store)
    await store.runs.complete(Run("run", 1, 3000, completed=2, status="completed"))
    for key in ("key", "another"):
        with pytest.raises(RunCompleted):
            await open_stream(store, StreamId("run", key), now=2)
    assert await store.heads.get(STREAM) == opened
    assert await store.heads.get(StreamId("run", "another")) is None


@pytest.mark.parametrize("generation", ["g", "sg"])
async def test_very_many_clients_are_forgotten_at_once(store: AwsStore, generation: str) -> None:
    clients = {f"client {number}": Sent(number, number) for number in range(2 * REMOVALS + 5)}
    once = {f"hash {number}": number for number in range(REMOVALS + 5)}
    head = Head(generation, 1, 9, clients={**clients, "stays": Sent(0, 0)}, once=once)
    await store.heads.open(STREAM, head, Run("run", 1, 9))
    await store.heads.spill(STREAM, generation, clients, expires=9)
    assert await store.heads.forget(STREAM, head, clients, list(once))
    left = await store.heads.get(STREAM)
    assert left is not None
    assert (left.clients["stays"], len(left.clients), dict(left.once)) == (Sent(0, 0), 1, {})
    assert left.spills > 0
    assert await store.heads.spilled(STREAM, generation, "client 7") == Sent(7, 7)
    await store.heads.delete_spilled(STREAM, generation)
    assert await store.heads.spilled(STREAM, generation, "client 7") is None
