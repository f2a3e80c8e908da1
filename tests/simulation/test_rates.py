"""What one head item takes, in the model of S3 and DynamoDB."""

from unittest.mock import patch

import pytest

from runstreams.core.limits import SealingPlan
from runstreams.core.sealing import Sealer
from tests import virtual_time
from tests.simulation.rates import Result, item_bytes, measure


def rates(writers: int, plan: SealingPlan, seconds: float = 6, **how: int) -> Result:
    return virtual_time.run(measure(writers, plan, seconds, **how))


@pytest.mark.parametrize("writers", [1, 10])
def test_an_append_that_lies_in_the_head_takes_one_update_and_seldom_a_seal(writers: int) -> None:
    """Fewer than one in a hundred merges as well, which takes longest."""
    result = rates(writers, SealingPlan(), seconds=60)
    assert result.p50 <= 6
    assert result.p99 <= 60


def test_one_writer_pays_less_than_two_units_and_a_tenth_of_an_object() -> None:
    result = rates(1, SealingPlan(), seconds=60)
    assert result.units <= 1.71
    assert result.puts <= 0.12


def test_a_reader_gets_what_was_sealed_before_it_looked_and_lists_nothing() -> None:
    """Each of its long polls is served by a process of its own."""
    result = rates(1, SealingPlan(), seconds=60)
    assert 0.5 < result.late < 0.9
    assert result.lists == 0


def test_a_large_batch_is_an_object_and_takes_as_long() -> None:
    result = rates(1, SealingPlan(), seconds=30, size=2000)
    assert result.p50 > 20
    assert result.puts > 1


def test_ten_writers_get_all_they_ask_for() -> None:
    for inline_bytes in (0, 1024):
        result = rates(10, SealingPlan(), inline_bytes=inline_bytes)
        assert result.appends > 45
        assert result.busy == 0


@pytest.mark.parametrize(("inline_bytes", "appends"), [(0, 200), (1024, 170)])
def test_a_hundred_writers_do_not_make_one_stream_collapse(inline_bytes: int, appends: int) -> None:
    """They ask for 500 appends a second, more than one item takes; they get what it takes, and stay
    in the head.
    """
    result = rates(100, SealingPlan(), inline_bytes=inline_bytes)
    assert result.appends > appends
    assert result.unsealed < SealingPlan().unsealed
    assert result.clients == 100


def test_without_sealing_it_would_collapse() -> None:
    async def seal(self: Sealer, *rest: object, **how: object) -> bool:
        return False

    with patch.object(Sealer, "seal", seal):
        assert rates(100, SealingPlan()).appends < 100


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "four"}}, 5),
        ({"a": {"S": "é"}}, 3),
        ({"name": {"N": "12345"}}, 4 + 4),
        ({"b": {"BOOL": True}, "c": {"NULL": True}}, 4),
        ({"p": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 3 + 2),
    ],
    ids=str,
)
def test_an_item_is_as_large_as_dynamodb_says(item: object, size: int) -> None:
    """Names and values; a number about half its digits, a list three bytes and one an element."""
    assert item_bytes(item) == size
