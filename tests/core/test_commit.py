"""What an append is told when its batch did not fit."""

from dataclasses import replace

import pytest

from runstreams.core.commit import LookOutside, Open, Outside, Retry, judge
from runstreams.core.errors import (
    ChunkGap,
    RunCompleted,
    RunstreamsError,
    SealingBehind,
    StreamClosed,
    StreamFull,
)
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.model import Appended, Batch, Closed, Head, Sent

NOW = 1000
LIMITS = Limits(retention_ms=500, stream_bytes=100)
PLAN = SealingPlan(unsealed=4)
HEAD = Head("g", created=900, expires=1500, tail=10, sealed=8, size=50, clients={"c": Sent(4, 9)})


def batch(number: int, count: int, client: str | None = "c", once: str | None = None) -> Batch:
    return Batch(b"12345\n" * count, count, NOW, client, number, once)


def verdict(head: Head | None, sent: Batch, outside: Outside | None = None) -> object:
    return judge(head, sent, outside, NOW, LIMITS, PLAN)


def test_without_a_live_head_the_stream_is_opened() -> None:
    assert verdict(None, batch(0, 1)) == Open()
    assert verdict(replace(HEAD, expires=1000, created=400), batch(0, 1)) == Open()


def test_a_stream_is_not_opened_for_a_client_that_begins_in_the_middle() -> None:
    with pytest.raises(ChunkGap) as gap:
        verdict(None, batch(3, 1))
    assert gap.value.expected == 0


def test_a_head_lives_as_long_as_its_newest_chunk_whatever_clock_wrote_it() -> None:
    """The last writer's clock was behind, so the stored expiry is."""
    behind = replace(HEAD, expires=990, sealed_time=950)
    found = verdict(behind, batch(5, 1))
    assert isinstance(found, Retry)
    assert found.terms.now == 989


def test_what_was_sent_before_is_acknowledged() -> None:
    assert verdict(HEAD, batch(3, 2)) == Appended(None, 9, 10, False, duplicate=True)
    assert verdict(HEAD, batch(0, 2)) == Appended(None, None, 10, False, duplicate=True)


def test_of_an_overlap_the_rest_is_tried_again() -> None:
    found = verdict(HEAD, batch(3, 5))
    assert isinstance(found, Retry)
    assert (found.skip, found.terms.previous) == (2, 4)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"closed": Closed("failed")}, StreamClosed),
        ({"closed": Closed("completed"), "closed_by_run": True}, RunCompleted),
        ({"size": 96}, StreamFull),
        ({"unsealed": 4}, SealingBehind),
    ],
)
def test_what_forbids_an_append_comes_after_what_was_sent_before(
    change: dict[str, object], error: type[RunstreamsError]
) -> None:
    """And after a gap, which would be wrong on an open stream as well."""
    head = replace(HEAD, **change)  # type: ignore[arg-type]
    assert isinstance(verdict(head, batch(4, 1)), Appended)
    with pytest.raises(ChunkGap):
        verdict(head, batch(6, 1))
    with pytest.raises(error):
        verdict(head, batch(5, 1))


def test_of_an_overlap_only_the_rest_needs_room() -> None:
    assert isinstance(verdict(replace(HEAD, size=95), batch(4, 2)), Retry)


def test_a_client_that_is_not_in_the_head_may_have_moved_out() -> None:
    moved = replace(HEAD, spills=3)
    assert verdict(moved, batch(0, 1, "d")) == LookOutside()
    stale = Outside("g", 2, None)
    assert verdict(moved, batch(0, 1, "d"), stale) == LookOutside()
    other = Outside("another", 3, None)
    assert verdict(moved, batch(0, 1, "d"), other) == LookOutside()
    found = verdict(moved, batch(0, 1, "d"), Outside("g", 3, Sent(0, 1)))
    assert found == Appended(None, 1, 10, False, duplicate=True)
    unknown = verdict(moved, batch(0, 1, "d"), Outside("g", 3, None))
    assert isinstance(unknown, Retry)
    assert (unknown.terms.spills, unknown.terms.generation) == (3, "g")


def test_a_one_shot_append_is_recognised() -> None:
    head = replace(HEAD, once={"hash": 6}, closed=Closed("completed"))
    found = verdict(head, batch(0, 1, None, "hash"))
    assert found == Appended(None, 6, 10, False, duplicate=True)
