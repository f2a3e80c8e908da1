"""What can be a chunk, and what it becomes."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pydantic.dataclasses
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_jsonable_python

from runstreams.core.json_lines import check_chunk
from runstreams.errors import ChunkTooLarge, InvalidChunk
from runstreams.sdk.values import encode


@dataclass(slots=True)
class Step:
    name: str
    inner: "Step | None" = None


class Token(BaseModel):
    text: str
    at: float = 0


class Color(StrEnum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


class Plan(Enum):
    B = "b"


class Number(Flag):
    ONE = 1
    TWO = 2


class Kind(str, Enum):  # noqa: UP042  # as it is written for Python 3.10, too
    MODEL = "model"


class Rank(IntEnum):
    FIRST = 1


KEYED = '{"b":{"00000000-0000-0000-0000-000000000007":{"2026-01-02":1}},"1":null}'

SAID = [
    ("text", '"text"'),
    ("ü\n\u2028", '"ü\\n\u2028"'),
    (None, "null"),
    ([1, 2.5, True], "[1,2.5,true]"),
    ({"a": {"b": ()}}, '{"a":{"b":[]}}'),
    (Step("a", Step("b")), '{"name":"a","inner":{"name":"b","inner":null}}'),
    (Token(text="x"), '{"text":"x","at":0.0}'),
    ([Token(text="x"), Step("y")], '[{"text":"x","at":0.0},{"name":"y","inner":null}]'),
    (Color.RED, '"red"'),
    (Point(1, 2), "[1,2]"),
    ("ok \ud83d", r'"ok \ud83d"'),
    ({"\udc4d": ["\ud83d\udc4d"]}, r'{"\udc4d":["\ud83d\udc4d"]}'),
    ({Plan.B: {UUID(int=7): {date(2026, 1, 2): 1}}, 1: None}, KEYED),
]


@pytest.mark.parametrize(("value", "text"), SAID, ids=[text for _, text in SAID])
def test_a_value_becomes_one_line(value: object, text: str) -> None:
    assert encode(value) == text.encode() + b"\n"


circle: list[Any] = []
circle.append(circle)


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        float("nan"),
        float("inf"),
        1j,
        Step,
        circle,
        deep(100_000),
        {(1, 2): 3},
    ],
    ids=["object", "bytes", "nan", "inf", "complex", "class", "circle", "deep", "key"],
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InvalidChunk):
        encode(value)


def test_a_chunk_beyond_the_limit_is_refused_with_both_sizes() -> None:
    encode("x" * (1_048_576 - 2))
    with pytest.raises(ChunkTooLarge) as caught:
        encode("x" * (1_048_576 - 1))
    assert caught.value.facts == {"limit": 1_048_576, "size": 1_048_577}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
)


@given(JSON)
def test_what_is_encoded_is_what_the_server_takes_and_readers_get(value: object) -> None:
    line = encode(value)
    assert check_chunk(line[:-1]) == line[:-1]
    assert json.loads(line) == value


ZONES = (
    st.none()
    | st.just(UTC)
    | st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
)
PYTHONS_OWN = st.one_of(
    st.datetimes(timezones=ZONES),
    st.dates(),
    st.builds(time.replace, st.times(), tzinfo=ZONES),
    st.timedeltas(),
    st.uuids(),
    st.decimals(),
    st.sampled_from([Plan.B, Number.ONE, Number.ONE | Number.TWO, Kind.MODEL, Rank.FIRST]),
    st.sampled_from([Path("a/b"), Path("/"), Path("ü")]),
    st.sets(st.integers()),
    st.frozensets(st.dates()),
    st.builds(deque, st.lists(st.uuids())),
)


@given(
    st.recursive(PYTHONS_OWN, lambda inner: st.lists(inner) | st.dictionaries(st.dates(), inner))
)
def test_what_python_has_beside_json_is_said_as_pydantic_says_it(value: object) -> None:
    assert json.loads(encode(value)) == to_jsonable_python(value)


@dataclass
class Event:
    at: datetime
    paths: set[Path]
    _own: Decimal = field(default=Decimal("1.50"), repr=False)


@pydantic.dataclasses.dataclass(config=ConfigDict(alias_generator=to_camel))
class Aliased:
    some_bytes: bytes


def test_a_dataclass_is_said_as_pydantic_says_it() -> None:
    for value in (Event(datetime(2026, 1, 2, tzinfo=UTC), {Path("a")}), Aliased(someBytes=b"x")):
        assert json.loads(encode([value])) == to_jsonable_python([value])


class Described(BaseModel):
    schema_: dict[str, Any] = Field(alias="schema")
    note: str | None = None


class Spoken(Described):
    """As the models are of SDKs for models: they tell what came over the wire."""

    def to_dict(self, *, mode: str = "python", exclude_unset: bool = True) -> dict[str, Any]:
        return self.model_dump(mode=mode, by_alias=True, exclude_unset=exclude_unset)


def test_a_model_is_written_by_its_aliases() -> None:
    assert json.loads(encode(Described(schema={"a": 1}))) == {"schema": {"a": 1}, "note": None}


class ForBrowsers(Described):
    """As Pydantic AI's chunks for the Vercel AI SDK are."""

    def encode(self, sdk_version: int) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True)


def test_a_chunk_for_the_ai_sdk_has_no_null_where_something_is_left_out() -> None:
    assert json.loads(encode(ForBrowsers(schema={"a": None}))) == {"schema": {"a": None}}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_inside_of_a_value_are_base64(kind: Any) -> None:
    assert json.loads(encode({"data": [kind(b"\xff\x00>")]})) == {"data": ["/wA+"]}


def test_an_sdks_own_model_is_written_as_it_came_over_the_wire() -> None:
    assert json.loads(encode({"event": Spoken(schema={})})) == {"event": {"schema": {}}}
