"""What the expressions rely on, asked of each emulator in its plainest form.

DynamoDB documents all of it; emulators have got some of it wrong.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulators.place import Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LETTERS: Any = {"L": [{"S": letter} for letter in "abcd"]}
KEY: Any = {"run": {"S": "r"}, "item": {"S": "i"}}


class Item:
    """One item, and the requests that are made to it."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.client = client
        self.table = table

    def put(self, **attributes: Any) -> None:
        self.client.put_item(TableName=self.table, Item={**KEY, **attributes})

    def get(self) -> Any:
        return self.client.get_item(TableName=self.table, Key=KEY, ConsistentRead=True)["Item"]

    def update(self, expression: str, **more: Any) -> Any:
        answer = self.client.update_item(
            TableName=self.table,
            Key=KEY,
            UpdateExpression=expression,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **more,
        )
        return answer["Attributes"]

    def refused(self, condition: str, **more: Any) -> Any:
        """Return the item that is sent along when *condition* does not hold."""
        with pytest.raises(ClientError, match="ConditionalCheckFailed") as caught:
            self.update("REMOVE #x", ConditionExpression=condition, **more)
        found: Any = caught.value.response
        return found.get("Item")


@pytest.fixture
def item(aws_place: Place) -> Iterator[Item]:
    s3, dynamodb = aws_place.clients(threads=1)
    yield Item(dynamodb, aws_place.table)
    s3.close()
    dynamodb.close()


def test_elements_removed_in_descending_order_are_the_ones_that_were_meant(item: Item) -> None:
    item.put(p=LETTERS)
    found = item.update("REMOVE #p[2], #p[1], #p[0]", ExpressionAttributeNames={"#p": "p"})
    assert found["p"] == {"L": [{"S": "d"}]}


def test_a_number_keeps_all_its_digits_when_another_is_added(item: Item) -> None:
    """A client's own number and its index are one."""
    number = 10**12 * 10**15 + 7
    item.put(tail={"N": "123456789012"})
    found = item.update(
        "SET #c = #tail + :n",
        ExpressionAttributeNames={"#c": "/c-_0", "#tail": "tail"},
        ExpressionAttributeValues={":n": {"N": str(number)}},
    )
    assert found["/c-_0"] == {"N": str(number + 123456789012)}
    assert item.get()["/c-_0"] == found["/c-_0"]


@pytest.mark.parametrize(("low", "high"), [(10**18, 10**18 + 5), (10**18 + 6, 10**19)])
def test_large_numbers_are_compared_digit_by_digit(item: Item, low: int, high: int) -> None:
    item.put(c={"N": str(10**18 + 5)})
    values: Any = {":low": {"N": str(low)}, ":high": {"N": str(high)}}
    within = {"ExpressionAttributeNames": {"#c": "c", "#x": "x"}}
    item.refused("#c >= :low AND #c < :high", **within, ExpressionAttributeValues=values)


def test_text_that_is_not_contained_is_known(item: Item) -> None:
    item.put(g={"S": "1.h0f"})
    names = {"ExpressionAttributeNames": {"#g": "g", "#x": "x"}}
    for condition, part in (("contains(#g, :part)", "s"), ("NOT contains(#g, :part)", "h")):
        values: Any = {":part": {"S": part}}
        item.refused(condition, **names, ExpressionAttributeValues=values)


def test_what_is_set_is_computed_from_the_values_before(item: Item) -> None:
    item.put(tail={"N": "5"}, appended={"N": "7"})
    found = item.update(
        "SET #tail = #tail + :n, #index = #tail + :n, #before = #appended, #appended = :n",
        ExpressionAttributeNames={
            f"#{name}": name for name in ("tail", "index", "before", "appended")
        },
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    numbers = [found[name]["N"] for name in ("tail", "index", "before", "appended")]
    assert numbers == ["6", "6", "7", "1"]


def test_a_value_that_says_none_can_be_copied(item: Item) -> None:
    item.put(appended={"NULL": True})
    names = {"#before": "before", "#appended": "appended"}
    found = item.update("SET #before = #appended", ExpressionAttributeNames=names)
    assert found["before"] == {"NULL": True}


@pytest.mark.parametrize(
    "name", ["w.client", "w.a b", "w.[0]", "w.#x", "w.:x", "w.ü😀", "w.(a), b = c", "w.'\"\\"]
)
def test_an_attribute_may_have_any_name(item: Item, name: str) -> None:
    item.put()
    item.update(
        "SET #n = :n",
        ExpressionAttributeNames={"#n": name},
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    assert item.get()[name] == {"N": "1"}
    item.update(
        "REMOVE #n",
        ConditionExpression="#n = :n",
        ExpressionAttributeNames={"#n": name},
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    assert name not in item.get()


def test_a_list_has_a_size_also_when_empty(item: Item) -> None:
    item.put(p={"L": []})
    names = {"#p": "p", "#x": "x"}
    arguments = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": {":n": {"N": "0"}}}
    assert item.refused("size(#p) < :n", **arguments) == item.get()
    assert item.update("REMOVE #x", ConditionExpression="size(#p) <= :n", **arguments) == item.get()


def test_a_list_element_can_be_asked_how_it_begins(item: Item) -> None:
    item.put(p={"L": [{"S": "1.abc.0"}]})
    names = {"#p": "p", "#x": "x"}

    def values(start: str) -> Any:
        return {":start": {"S": start}}

    condition = "begins_with(#p[0], :start)"
    item.update(
        "REMOVE #x",
        ConditionExpression=condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values("1.abc."),
    )
    assert item.refused(
        condition, ExpressionAttributeNames=names, ExpressionAttributeValues=values("1.ab.")
    )
    item.put(p={"L": []})
    assert item.refused(
        condition, ExpressionAttributeNames=names, ExpressionAttributeValues=values("1.abc.")
    )


def test_nothing_is_compared_with_what_is_absent(item: Item) -> None:
    item.put()
    for comparison in ("=", "<", "<=", ">"):
        assert item.refused(
            f"#n {comparison} :n",
            ExpressionAttributeNames={"#n": "n", "#x": "x"},
            ExpressionAttributeValues={":n": {"N": "1"}},
        )


def test_a_condition_that_fails_on_no_item_sends_none_along(item: Item) -> None:
    names = {"#v": "v", "#x": "x"}
    assert not item.refused("attribute_exists(#v)", ExpressionAttributeNames=names)


def test_a_cancelled_transaction_says_which_condition_failed_and_on_what(item: Item) -> None:
    item.put(n={"N": "1"})
    check: Any = {
        "TableName": item.table,
        "Key": KEY,
        "ConditionExpression": "attribute_not_exists(#n)",
        "ExpressionAttributeNames": {"#n": "n"},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    put: Any = {"TableName": item.table, "Item": {**KEY, "item": {"S": "other"}}}
    with pytest.raises(ClientError, match="TransactionCanceled") as caught:
        item.client.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    found: Any = caught.value.response
    assert [reason["Code"] for reason in found["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    assert found["CancellationReasons"][1]["Item"] == item.get()
    other = {**KEY, "item": {"S": "other"}}
    assert "Item" not in item.client.get_item(TableName=item.table, Key=other)
