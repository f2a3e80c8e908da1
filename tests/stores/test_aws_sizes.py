"""How large a head becomes at most, as DynamoDB counts."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.limits import (
    CLIENT_ID_BYTES,
    CLOSE_ERROR_BYTES,
    KIB,
    SealingPlan,
)
from runstreams.core.model import Closed, Head, Lease, Pointer, Sent, StoredBatch, weight
from runstreams.stores.aws.codec import encode_head
from runstreams.stores.aws.pointers import encode_pointer

PLAN = SealingPlan()

MOST = 200 * KIB
"""Half of what DynamoDB takes."""

LATE = 10**14
"""A moment, or a number, of as many digits as will be seen."""


def size_of(value: Any) -> int:
    """Return the bytes that DynamoDB counts for *value*, as its guide says."""
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 2
    if kind == "L":
        return 3 + sum(1 + size_of(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(each) for name, each in content.items())
    assert kind in ("NULL", "BOOL")
    return 1


def item_size(head: Head) -> int:
    return sum(len(name.encode()) + size_of(value) for name, value in encode_head(head).items())


@st.composite
def crowded(draw: st.DrawFn) -> Head:
    """Draw a head into which everything has been put that a head takes before it is sealed."""
    names = random.Random(draw(st.integers()))
    assert PLAN.clients is not None
    # As many as stay, and one for each append until the second sealing from now.
    most = PLAN.clients + PLAN.clients_slack + 2 * PLAN.unsealed
    one_shot = draw(st.integers(0, most))
    clients = [client_id(names, CLIENT_ID_BYTES) for _ in range(most - one_shot)]
    pending, inlined = pointers(names, clients, draw(st.sampled_from([40, 300, 1024, 16384])))
    return Head(
        generation="99." + "h" * 17,
        created=LATE,
        expires=LATE,
        tail=LATE,
        sealed=LATE,
        sealed_time=LATE,
        size=LATE,
        appended=LATE,
        unsealed=len(pending),
        pending=pending,
        clients={client: Sent(LATE, LATE) for client in clients},
        once={f"{at:016x}": LATE for at in range(one_shot)},
        closed=Closed("completed", "e" * CLOSE_ERROR_BYTES, "producer_lost"),
        appended_before=LATE,
        lease=Lease(LATE, LATE, "l" * CLIENT_ID_BYTES),
        inlined=inlined,
    )


def client_id(names: random.Random, size: int) -> str:
    return "".join(names.choices("ab.cü", k=size)).encode()[:size].decode(errors="ignore")


def pointers(
    names: random.Random, clients: list[str], size: int
) -> tuple[tuple[Pointer, ...], int]:
    """Return as many as a head takes: batches of *size* bytes, until no more lie there, and then
    objects.
    """
    found, inlined = list[Pointer](), 0
    for at in range(PLAN.unsealed):
        client = names.choice(clients) if clients else None
        batch = StoredBatch(b'"%s"\n' % (b"x" * (size - 3)), client, LATE)
        pointer = Pointer("n" * (4 if client else 16), 0, 1, size - 1, LATE, LATE + at, batch)
        if inlined + pointer.weight > PLAN.inlined_most:
            pointer = replace(pointer, object="h" * 33, skip=65_536, count=65_536, batch=None)
        inlined += pointer.weight
        found.append(pointer)
    return tuple(found), inlined


@given(crowded())
def test_a_head_stays_below_half_of_what_dynamodb_takes(head: Head) -> None:
    assert item_size(head) <= MOST


@given(crowded())
def test_what_lies_in_the_pointers_is_about_what_is_counted(head: Head) -> None:
    """The digits of three numbers make the difference."""
    inline = [pointer for pointer in head.pending if pointer.batch is not None]
    assert (head.inlined or 0) <= PLAN.inlined_most
    for pointer in inline:
        assert abs(len(encode_pointer(pointer).encode()) - pointer.weight) <= 32


def test_the_largest_batch_that_may_be_asked_for_leaves_room_for_others() -> None:
    """So the update's condition holds for whoever knows how much lies there."""
    largest = StoredBatch(b"x" * 16 * KIB, "c" * CLIENT_ID_BYTES, 0)
    assert PLAN.inlined_enough + weight(largest) <= PLAN.inlined_most
