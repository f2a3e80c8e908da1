"""The expressions, as far as they can be judged without a table; the traps are in its docstring."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.model import (
    Batch,
    Closed,
    Fork,
    Head,
    Lease,
    Pointer,
    Sent,
    Span,
    StoredBatch,
    StreamId,
)
from runstreams.core.ports import Staged, Terms
from runstreams.stores.aws.expressions import (
    REMOVALS,
    Update,
    asking_stop,
    burying,
    closing,
    committing,
    counting_fork,
    forgetting,
    losing,
    releasing,
    renewing,
    sealing,
    using,
)
from runstreams.stores.aws.heads import DynamoHeads
from runstreams.stores.aws.inlining import Inlining
from runstreams.stores.aws.layout import Layout
from runstreams.stores.aws.writers import encode_clients

BATCH = Batch(b'"a"\n"b"\n', 2, time=5, client="c", number=0, once="h")
SUPERSEDING = replace(BATCH, supersedes=3)
HEAD = Head(
    "g", created=0, expires=9, pending=(Pointer("o", 0, 2, 6, 5, 0),), lease=Lease(70, 60, "c")
)
INLINE = replace(
    HEAD, pending=(Pointer("", 0, 2, 6, 5, 0, StoredBatch(BATCH.lines, "c", 0)),), inlined=41
)
COMMITS = {
    "commit": (Staged("h0", BATCH), Terms(1), Limits()),
    "without a hash": (Staged("o", BATCH), Terms(1), Limits()),
    "inline": (Staged("", BATCH, inline=True), Terms(1), Limits()),
    "known client": (Staged("h0", BATCH), Terms(1, previous=4), Limits()),
    "looked outside": (Staged("h0", BATCH), Terms(1, None, 3, "g"), Limits(stream_bytes=0)),
    "superseding": (Staged("h0", SUPERSEDING), Terms(1), Limits()),
    "superseding again": (
        Staged("h0", SUPERSEDING),
        Terms(1, superseded=(Span(0, 2), Span(4, 5))),
        Limits(),
    ),
    "leased": (Staged("h0", BATCH), Terms(1, lease=Lease(70, 60, "c")), Limits()),
}
GONE = {"a b": Sent(1, 2), "#:": Sent(3, 4)}
UPDATES = {
    **{
        f"{name}, {'by hash' if short else 'by id'}": committing(
            staged, 0, staged.batch, terms, limits, SealingPlan(), short
        )
        for name, (staged, terms, limits) in COMMITS.items()
        for short in (False, True)
    },
    "renew": renewing(Lease(70, 60, "c"), 1),
    "release": releasing("c"),
    "lose": losing(HEAD, Closed("failed", "silence", code="producer_lost"), 9),
    "use": using("g", 9, 1),
    "close": closing(Closed("failed", "why"), False, 1, 9),
    "stop": asking_stop(1),
    "seal": sealing(HEAD, HEAD.pending[0], 64),
    "seal inline": sealing(INLINE, INLINE.pending[0], 64),
    "bury": burying(HEAD, Closed("canceled", code="deleted"), 9),
    "count a fork": counting_fork(Fork(StreamId("r", "k"), "g", 0, 0, 0, 0)),
    "forget": next(forgetting("g", GONE, ["h"])),
    "forget, by hash": next(forgetting("sg", GONE, ["h"])),
}


@pytest.fixture(params=UPDATES)
def arguments(request: pytest.FixtureRequest) -> dict[str, Any]:
    return UPDATES[request.param].arguments()


def text(arguments: dict[str, Any]) -> str:
    return f"{arguments['ConditionExpression']} {arguments['UpdateExpression']}"


def test_every_alias_and_value_is_given_and_used(arguments: dict[str, Any]) -> None:
    """DynamoDB refuses both what is missing and what is too much."""
    assert set(re.findall(r"#\w+", text(arguments))) == set(arguments["ExpressionAttributeNames"])
    assert set(re.findall(r":\w+", text(arguments))) == set(arguments["ExpressionAttributeValues"])


def test_every_attribute_goes_by_an_alias(arguments: dict[str, Any]) -> None:
    words = re.sub(r"[#:]\w+", "", text(arguments))
    assert set(re.findall(r"[a-z]\w+", words)) <= {
        "attribute_not_exists",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "size",
    }


def test_whoever_only_reads_touches_only_what_its_role_names() -> None:
    """template.yaml allows these attributes, and what is in the key."""
    names = UPDATES["lose"].arguments()["ExpressionAttributeNames"].values()
    assert sorted(names) == ["closed", "expires", "g", "lease", "lease_ms", "tail", "ttl"]
    used = UPDATES["use"].arguments()["ExpressionAttributeNames"].values()
    assert sorted(used) == ["expires", "g", "ttl"]


def test_no_update_adds(arguments: dict[str, Any]) -> None:
    """Some emulators let an ADD be seen by a SET of the same update."""
    assert not re.search(r"\b(ADD|DELETE)\b", arguments["UpdateExpression"])


def test_pointers_leave_the_list_from_its_end_to_its_beginning() -> None:
    update = sealing(HEAD, HEAD.pending[0], 4)
    assert update.removals == ["#p[3]", "#p[2]", "#p[1]", "#p[0]"]


@settings(deadline=None)
@given(st.integers(0, 250), st.integers(0, 250), st.sampled_from(["g", "sg"]))
def test_however_many_are_forgotten_no_expression_is_too_long(
    clients: int, once: int, generation: str
) -> None:
    """DynamoDB takes 4 KB of expression."""
    gone = {f"client {number}": Sent(number, number) for number in range(clients)}
    keys = [f"hash {number}" for number in range(once)]
    updates = list(forgetting(generation, gone, keys))
    forgotten = [name for update in updates for name in update.names.values()]
    names = encode_clients(generation, gone).keys() | {f"o.{key}" for key in keys}
    assert sorted(names) == sorted(forgotten)
    assert all(_longest(update) <= 4096 for update in updates)


def test_a_plan_that_no_update_can_follow_is_refused() -> None:
    plan = SealingPlan(batches=REMOVALS + 1)
    with pytest.raises(ValueError, match="can drop"):
        DynamoHeads(None, plan, Layout(True), Inlining(plan))  # type: ignore[arg-type]


def _longest(update: Update) -> int:
    arguments = update.arguments()
    return max(len(arguments["ConditionExpression"]), len(arguments["UpdateExpression"]))
