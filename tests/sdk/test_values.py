"""What can be a chunk, and what it becomes."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

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
        {1, 2},
        b"bytes",
        float("nan"),
        float("inf"),
        1j,
        Step,
        circle,
        deep(100_000),
        "\ud800",
    ],
    ids=["object", "set", "bytes", "nan", "inf", "complex", "class", "circle", "deep", "half"],
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
