"""What one head item takes, in the model of S3 and DynamoDB."""

from unittest.mock import patch

import pytest

from runstreams.core.limits import SealingPlan
from runstreams.core.sealing import Sealer
from tests import virtual_time
from tests.simulation.rates import Result, item_bytes, measure


def rates(writers: int, plan: SealingPlan) -> Result:
    return virtual_time.run(measure(writers, plan, seconds=6))


def test_ten_writers_get_all_they_ask_for() -> None:
    result = rates(10, SealingPlan())
    assert result.appends > 45
    assert result.busy == 0


def test_a_hundred_writers_do_not_make_one_stream_collapse() -> None:
    """They ask for 500 appends a second, more than one item takes; they get what it takes."""
    result = rates(100, SealingPlan())
    assert result.appends > 150
    assert result.unsealed < SealingPlan().unsealed


def test_without_sealing_it_would_collapse() -> None:
    async def seal(self: Sealer, *rest: object) -> bool:
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
