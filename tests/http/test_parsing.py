"""The small parsers at the edge, on whatever somebody sends."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.errors import InvalidIndex, InvalidRequest
from runstreams.core.model import Page, StoredChunk
from runstreams.http.call import joined
from runstreams.http.fields import MOST, query, seconds, whole
from runstreams.http.live.rendering import as_event, as_json
from runstreams.http.routes.lines import Lines
from runstreams.http.trigger import event_id, leading


@given(st.text())
def test_a_whole_number_is_in_its_range_or_refused(text: str) -> None:
    try:
        number = whole("it", text, 1)
    except InvalidIndex:
        return
    assert text.isascii()
    assert text.isdigit()
    assert 1 <= number == int(text) <= MOST


@given(st.integers(0, MOST))
def test_every_whole_number_in_its_range_is_taken(number: int) -> None:
    assert whole("it", str(number)) == number


@given(st.text() | st.floats().map(str))
def test_seconds_are_finite_and_not_negative_or_refused(text: str) -> None:
    try:
        found = seconds("it", text)
    except InvalidIndex:
        return
    assert math.isfinite(found)
    assert found >= 0


@given(st.text())
def test_an_event_id_gives_an_index_or_none(text: str) -> None:
    found = event_id(text)
    assert found is None or 0 <= found <= MOST


@given(st.text())
def test_a_leading_number_is_found_as_javascript_finds_it(text: str) -> None:
    found = leading(text)
    assert found is None or str(abs(found)) in text


@pytest.mark.parametrize(
    ("text", "number"),
    [("60", 60), (" 5s", 5), ("-3", -3), ("+7", 7), ("1e3", 1), ("x1", None), ("", None)],
)
def test_leading_numbers(text: str, number: int | None) -> None:
    assert leading(text) == number


@given(st.binary())
def test_any_query_is_understood_or_refused(raw: bytes) -> None:
    try:
        fields = query(raw)
    except InvalidRequest:
        return
    assert all(isinstance(value, str) for value in fields.values())


def test_a_query_is_decoded() -> None:
    assert query(b"start=tail&wait=1%2E5&x=&y") == {
        "start": "tail",
        "wait": "1.5",
        "x": "",
        "y": "",
    }


def test_headers_of_one_name_are_joined_in_their_order() -> None:
    assert joined([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1, 3", b"b": b"2"}


@given(st.binary(), st.lists(st.integers(1, 20)))
def test_however_a_body_is_cut_into_pieces_its_lines_are_the_same(
    body: bytes, cuts: list[int]
) -> None:
    lines, found, at = Lines(), [], 0
    for cut in cuts:
        found += lines.feed(body[at : at + cut])
        at += cut
    found += lines.feed(body[at:])
    assert lines.unfinished == len(body) - (body.rfind(b"\n") + 1)
    assert found + lines.end() == body.split(b"\n")[: None if lines.unfinished else -1]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _lines(value: object, ascii_only: bool, spaced: bool) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, separators=(",\t", ":\r") if spaced else None)
    return text.encode("utf-8", "surrogatepass")


@given(st.lists(st.tuples(JSON, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_every_value_comes_through_both_renderings(values: list[tuple[object, bool, bool]]) -> None:
    page = Page(
        tuple(StoredChunk(7 + at, 1000 + at, _lines(*value)) for at, value in enumerate(values)),
        7 + len(values),
        99,
        "f" * 16,
    )
    rendered = json.loads(as_json(page))
    assert [chunk["data"] for chunk in rendered["chunks"]] == [value for value, _, _ in values]
    event, number, data, *rest = as_event(page).decode().split("\n")
    assert (event, number, rest) == ("event: batch", f"id: {6 + len(values)}", ["", ""])
    records = json.loads(data.removeprefix("data: "))["records"]
    bodies = [json.loads(record["body"]) for record in records]
    assert [body["data"] for body in bodies] == [value for value, _, _ in values]
    assert [body["id"] for body in bodies] == [chunk["id"] for chunk in rendered["chunks"]]
    assert [record["seq_num"] for record in records] == [
        chunk["index"] for chunk in rendered["chunks"]
    ]
