"""Streams of a type: what is written by it can be read by it."""

import json
import sys
import typing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    RootModel,
    computed_field,
    field_serializer,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from runstreams.errors import InvalidChunk, InvalidSetting
from runstreams.sdk.typed import form_of
from runstreams.testing import in_memory

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ID = UUID(int=7)


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    tool_name: str
    started_at: datetime | None = None


class ReadAs(BaseModel):
    value: int = Field(validation_alias="readOnly")


class WrittenAs(BaseModel):
    at: datetime = Field(NOON.replace(year=1999), serialization_alias="writtenAt")


class BothAs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: int = Field(validation_alias="read", serialization_alias="written")


class OneOf(BaseModel):
    value: int = Field(validation_alias=AliasChoices("first", "second"))


class Within(BaseModel):
    value: int = Field(validation_alias=AliasPath("outer", "inner"))


class Shouted(BaseModel):
    value: int

    @field_serializer("value")
    def shout(self, value: int) -> str:
        return f"{value}!"


class Aliased(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: dict[str, Any] = Field(alias="schema")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    at: datetime
    id: UUID
    pair: tuple[int, str]
    data: bytes


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parts: list[int]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return sum(self.parts)


class Color(Enum):
    RED = 1


@dataclass
class Step:
    at: date
    next: "Step | None" = None


class Named(TypedDict):
    name: str
    on: date


class Nested(BaseModel):
    said: Json[list[int]]


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    age: Decimal


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

VALUES: list[tuple[Any, Any]] = [
    (Camel, Camel(toolName="search", startedAt=NOON)),
    (ReadAs, ReadAs(readOnly=1)),
    (WrittenAs, WrittenAs(at=NOON)),
    (list[BothAs], [BothAs(read=1)]),
    (OneOf, OneOf(second=1)),
    (Within, Within(outer={"inner": 1})),
    (Aliased, Aliased(schema={"a": [1]})),
    (Strict, Strict(at=NOON, id=ID, pair=(1, "a"), data=b"x")),
    (Computed, Computed(parts=[1, 2])),
    (list[Computed], [Computed(parts=[3])]),
    (Nested, Nested(said="[1]")),
    (Pet, Dog(age=Decimal("1.50"))),
    (RootModel[list[date]], RootModel[list[date]]([NOON.date()])),
    (datetime, NOON),
    (date, NOON.date()),
    (UUID, ID),
    (Decimal, Decimal("1.10")),
    (set[int], {1, 2}),
    (tuple[int, ...], (1, 2)),
    (Color, Color.RED),
    (Path, Path("a/b")),
    (bytes, b"x"),
    (Step, Step(NOON.date(), Step(NOON.date()))),
    (Named, {"name": "a", "on": NOON.date()}),
    (dict[UUID, date], {ID: NOON.date()}),
    (str, "ok \ud83d"),
    (int | None, None),
]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=lambda each: str(each)[:40])
def test_what_is_written_can_be_read(kind: Any, value: Any) -> None:
    form = form_of(kind)
    assert form.decode is not None
    assert form.decode(json.loads(form.encode(value)), 0) == value


def test_a_model_is_written_by_the_names_that_it_is_read_by() -> None:
    line = form_of(Camel).encode(Camel(toolName="search"))
    assert json.loads(line) == {"toolName": "search", "startedAt": None}


def test_what_a_type_would_not_take_back_is_left_out() -> None:
    assert json.loads(form_of(Computed).encode(Computed(parts=[1]))) == {"parts": [1]}


def test_what_stands_for_a_value_is_taken_as_it() -> None:
    assert json.loads(form_of(Camel).encode({"toolName": "search"}))["startedAt"] is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Camel, {"name": "x"}),
        (datetime, "noon"),
        (str, 1),
        (set[int], {"a"}),
        (Cat, Dog(age=Decimal(1))),
        (Annotated[int, Field(gt=0)], -1),
        (AwareDatetime, NOON.replace(tzinfo=None)),
        (Decimal, Decimal("NaN")),
        (dict[tuple[int, int], str], {(1, 2): "a"}),
        (Shouted, Shouted(value=1)),
        (bytes, b"\xff"),
    ],
)
def test_what_is_not_of_the_type_is_refused_where_it_is_written(kind: Any, value: Any) -> None:
    with pytest.raises(InvalidChunk, match="not as defined"):
        form_of(kind).encode(value)


@pytest.mark.parametrize(
    ("kind", "chunk"), [(Camel, {}), (datetime, "noon"), (str, 1), (list[int], ["\ud83d"])]
)
def test_a_chunk_that_is_not_of_the_type_is_named(kind: Any, chunk: Any) -> None:
    decode = form_of(kind).decode
    assert decode is not None
    with pytest.raises(InvalidChunk, match="chunk 7 is not as defined") as refused:
        decode(chunk, 7)
    assert refused.value.index == 7


@pytest.mark.parametrize(
    ("text", "found"),
    [("ok \ud83d", "ok \ufffd"), ("\udc4d👍\ud83d", "\ufffd👍\ufffd"), ("\\ud83d", "\\ud83d")],
)
def test_half_a_character_of_somebody_else_is_no_reason_not_to_read_a_chunk(
    text: str, found: str
) -> None:
    form = form_of(dict[str, str])
    assert form.decode is not None
    assert form.decode({text: text}, 0) == {found: found}
    assert form.decode(json.loads(form.encode({"a": text})), 0) == {"a": found}


class Unknown:
    """A class that pydantic knows nothing of."""


@pytest.mark.parametrize("kind", [Unknown, Literal])
def test_a_type_that_pydantic_knows_nothing_of_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(InvalidSetting, match="chunks cannot be of type"):
        form_of(kind)


class Early(BaseModel):
    next: "Late | None" = None


def test_a_type_may_name_one_that_comes_later() -> None:
    form = form_of(Early)
    assert form.encode(Early(next=Late(value=1))) == b'{"next":{"value":1}}\n'
    assert form.decode is not None
    assert form.decode({"next": {"value": 1}}, 0) == Early(next=Late(value=1))


class Late(BaseModel):
    value: int


@pytest.mark.parametrize("kind", ["Nowhere", list["Nowhere"], "Nowhere | None"])  # type: ignore[name-defined]  # noqa: F821
def test_a_type_that_names_one_that_never_comes_says_so_where_it_is_used(kind: Any) -> None:
    form = form_of(kind)
    assert form.decode is not None
    for use in (lambda: form.encode(1), lambda: form.decode(1, 0)):  # type: ignore[misc]
        with pytest.raises(InvalidSetting, match=r"chunks cannot be of type .*Nowhere"):
            use()


class Older(typing.TypedDict):
    name: str


def test_a_typed_dict_of_an_older_python_is_refused_with_what_to_do() -> None:
    if sys.version_info >= (3, 12):
        assert form_of(Older).encode({"name": "a"}) == b'{"name":"a"}\n'
        return
    with pytest.raises(InvalidSetting, match=r"typing_extensions\.TypedDict"):
        form_of(Older)


class Spoken(Aliased):
    note: str | None = None

    def to_dict(self, *, mode: str = "python") -> dict[str, Any]:
        return self.model_dump(mode=mode, by_alias=True, exclude_unset=True)


def test_an_sdks_own_model_is_written_as_it_came_over_the_wire() -> None:
    form = form_of(Spoken)
    assert json.loads(form.encode(Spoken(schema={}))) == {"schema": {}}


def test_a_defined_stream_is_written_and_read_by_its_type_in_every_way() -> None:
    value = Strict(at=NOON, id=ID, pair=(1, "a"), data=b"x")
    with in_memory() as client:
        defined = client.streams.define("steps", Strict)
        with client.streams.run("run_1"):
            defined.append(value)
            defined.pipe([value]).wait_until_complete()
            with defined.writer() as writer:
                writer.write(value)
            defined.writer(execute=lambda writer: writer.write(value)).wait_until_complete()
        assert list(defined.read("run_1", timeout=0)) == [value] * 4
        assert [chunk.data for chunk in defined.read("run_1", timeout=0, chunks=True)] == [
            value
        ] * 4
