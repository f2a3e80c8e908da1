"""Batches that are not sealed yet: where they lie, which is whose, and when they are sealed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from runstreams.core.commit import applied, leads_to, pointer_to
from runstreams.core.limits import KIB, Limits, SealingPlan
from runstreams.core.model import BATCH_OVERHEAD, Batch, Head, Pointer, StoredBatch, StreamId
from runstreams.core.ports import Staged, Terms
from runstreams.core.unsealed import (
    fetched,
    inline,
    is_light,
    is_small,
    makes_sealing_due,
    objects,
)

STREAM = StreamId("run", "key")
HEAD = Head("g", created=0, expires=9, inlined=0)
PLAN = SealingPlan()


def batch(*chunks: bytes, client: str | None = "c", number: int = 0) -> Batch:
    return Batch(b"".join(chunk + b"\n" for chunk in chunks), len(chunks), 5, client, number)


def staged(it: Batch) -> Staged:
    return inline(it, lambda: "0123456789abcdef" * 2)


def pointer(it: Batch, skip: int = 0) -> Pointer:
    return pointer_to(staged(it), skip, it.rest(skip), 5, 0)


class Objects:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, stream: StreamId, pointers: Sequence[Pointer]) -> list[StoredBatch]:
        self.asked += [each.object for each in pointers]
        return [StoredBatch(each.object.encode(), None, 0) for each in pointers]


async def test_only_what_is_an_object_is_asked_for() -> None:
    there, kept = Objects(), pointer(batch(b"1"))
    wanted = [Pointer("a", 0, 1, 1, 5, 0), kept, Pointer("b", 0, 1, 1, 5, 2), kept]
    found = await fetched(there, STREAM, wanted)  # type: ignore[arg-type]
    assert [each.lines for each in found] == [b"a", b"1\n", b"b", b"1\n"]
    assert there.asked == objects(wanted) == ["a", "b"]
    assert await fetched(there, STREAM, [kept]) == [kept.batch]  # type: ignore[arg-type]
    assert there.asked == ["a", "b"]


def test_what_an_earlier_batch_held_already_does_not_lie_in_the_pointer() -> None:
    found = pointer(batch(b"1", b"2", b"3", number=7), skip=2)
    assert found.batch == StoredBatch(b"3\n", "c", 9)
    assert (found.skip, found.count, found.size) == (0, 1, 1)


def test_a_batch_is_told_from_others_by_its_client_or_else_by_a_name() -> None:
    mine = staged(batch(b"1", b"2", number=3))
    assert mine.object == "0123"
    assert not leads_to(pointer(mine.batch), mine._replace(object="4567"), 0)
    assert leads_to(pointer(mine.batch), mine, 0)
    for other in (
        batch(b"1", b"2", number=4),
        batch(b"2", number=4),
        batch(b"1", b"2", client="d", number=3),
    ):
        assert not leads_to(pointer(other), mine, 0)
    assert leads_to(pointer(mine.batch, 1), mine, 1)
    nobodys = staged(batch(b"1", client=None))
    assert nobodys.object == "0123456789abcdef"
    assert leads_to(pointer(nobodys.batch), nobodys, 0)
    assert not leads_to(pointer(nobodys.batch), nobodys._replace(object="another"), 0)


@pytest.mark.parametrize(("size", "appends"), [(100, 16), (128, 12), (250, 7), (512, 3), (1024, 2)])
def test_sealing_is_due_by_count_or_by_what_lies_in_the_head(size: int, appends: int) -> None:
    """*size* is what an append adds."""
    chunk = b"x" * (size - BATCH_OVERHEAD - len("c") - len("\n"))
    head, due = HEAD, []
    for number in range(2 * appends):
        it = staged(batch(chunk, number=number))
        head = applied(head, it, Terms(0), 0, it.batch, Limits())
        due.append(makes_sealing_due(head, PLAN))
    assert head.inlined == 2 * appends * size
    assert due.index(True) == appends - 1
    assert sum(due) >= 2


def test_nothing_lies_in_a_head_that_holds_enough_or_was_opened_without() -> None:
    assert is_light(HEAD, PLAN)
    assert is_light(replace(HEAD, inlined=16 * KIB - 1), PLAN)
    assert not is_light(replace(HEAD, inlined=16 * KIB), PLAN)
    assert not is_light(replace(HEAD, inlined=None), PLAN)


def test_a_batch_is_small_as_the_operator_says() -> None:
    lines = batch(b"x" * 99)
    assert is_small(lines, Limits(inline_bytes=100), PLAN)
    assert not is_small(lines, Limits(inline_bytes=99), PLAN)
    assert not is_small(batch(b"1"), Limits(inline_bytes=0), PLAN)
