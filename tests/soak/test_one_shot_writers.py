"""Many writers of one chunk each, as the published SDK's `define().append` makes them."""

import asyncio
from pathlib import Path

import pytest

from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.model import StreamId
from tests.emulators.place import fresh_place
from tests.stores.conftest import Kept, opened

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]

STREAM = StreamId("run", "key")
WRITERS = 50_000
EMULATED_WRITERS = 4_000
"""An emulator takes some hundred appends a second; the head is as full after a few hundred."""

AT_ONCE = 24


def most_clients(plan: SealingPlan) -> int:
    """Return how many clients may stand in a head: some gather between two seals."""
    assert plan.clients is not None
    return plan.clients + plan.clients_slack + plan.unsealed


async def write_all(kept: Kept, writers: int) -> None:
    async def write(share: int) -> None:
        for number in range(share, writers, AT_ONCE):
            await kept.append(STREAM, b"%d" % number, client=f"pipe-{number}")

    await asyncio.gather(*(write(share) for share in range(AT_ONCE)))


async def check(kept: Kept, writers: int) -> None:
    """Every chunk is there once, and whoever wrote one is still known."""
    chunks = await kept.everything(STREAM)
    assert [chunk.index for chunk in chunks] == list(range(writers))
    assert {int(chunk.data) for chunk in chunks} == set(range(writers))
    for number in (0, writers // 2, writers - 1):
        again = await kept.append(STREAM, b"%d" % number, client=f"pipe-{number}")
        assert again.duplicate


@pytest.mark.parametrize("store_name", ["memory", "sqlite"])
async def test_50_000_one_shot_writers_are_all_remembered(
    store_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with opened(store_name, tmp_path, request) as store:
        kept = Kept(store, Limits(), emulated=False)
        await write_all(kept, WRITERS)
        await check(kept, WRITERS)
        if store_name == "memory":
            head = await store.heads.get(STREAM)
            assert head is not None
            assert len(head.clients) <= most_clients(store.plan)


@pytest.mark.needs("ministack")
async def test_thousands_of_one_shot_writers_leave_a_small_head_in_dynamodb(
    ministack_endpoint: str,
) -> None:
    place = fresh_place(ministack_endpoint)
    store = place.store()
    kept = Kept(store, Limits(), emulated=True)
    await write_all(kept, EMULATED_WRITERS)
    await check(kept, EMULATED_WRITERS)
    _, dynamodb = place.clients(threads=1)
    found = dynamodb.query(
        TableName=place.table,
        KeyConditionExpression="run = :run AND begins_with(#item, :head)",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":run": {"S": STREAM.run}, ":head": {"S": "s#"}},
    )
    (item,) = found["Items"]
    assert sum(name.startswith("w.") for name in item) <= most_clients(store.plan)
    assert len(repr(item)) < 40_000, "DynamoDB bills an append by the size of its head"
    await store.aclose()
