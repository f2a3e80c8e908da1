"""What a chunk may be: one JSON value that every reader can take."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.errors import ChunkTooLarge, InvalidChunk
from runstreams.core.json_lines import check_chunk, encode_text, flattened
from runstreams.core.limits import CHUNK_BYTES, NESTING
from tests.core.json_values import VALUES

BAD = {
    "nothing": b"",
    "two values": b"1 2",
    "undefined": b"undefined",
    "single quotes": b"'a'",
    "trailing comma": b"[1,]",
    "control character": b'"\x01"',
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "inside an array": b"[NaN]",
    "1e400": b"1e400",
    "-1e400": b'{"a": -1e400}',
    "5,000 digits": b"1" * 5000,
    "half in UTF-8": b'"\xed\xa0\x80"',
    "invalid UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "byte order mark": b"\xef\xbb\xbf1",
    "depth 100,000": b"[" * 100_000 + b"]" * 100_000,
    "depth 100,000 of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "unclosed depth": b"[" * 100_000,
    "one too deep": b"[" * (NESTING + 1) + b"]" * (NESTING + 1),
}

GOOD = [
    b"null",
    b'""',
    b"-0.0",
    b"1e308",
    b"1" * 4000,
    b'"\\ud83d\\ude42"',
    b'"\\ud83d"',
    b'["\\uDC00"]',
    b'{"\\ud83d": 1}',
    '"🙂 Grüße 日本"'.encode(),
    b'"\\u0000"',
    b'"' + b"[" * 1000 + b'"',
    b'"' + b'\\"[{' * 1000 + b'"',
    b"[" * NESTING + b"]" * NESTING,
    b"[[],[],[]" + b",[]" * 1000 + b"]",
]


@pytest.mark.parametrize("line", BAD.values(), ids=BAD.keys())
def test_what_is_not_one_json_value_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidChunk):
        check_chunk(line)


@pytest.mark.parametrize("line", GOOD, ids=lambda line: line[:12].decode(errors="replace"))
def test_what_is_one_json_value_is_kept_byte_for_byte(line: bytes) -> None:
    assert check_chunk(b" " + line + b"\r") == line


def test_a_chunk_may_be_as_large_as_a_chunk_may_be_and_no_larger() -> None:
    assert len(check_chunk(b'"' + b"a" * (CHUNK_BYTES - 2) + b'"')) == CHUNK_BYTES
    with pytest.raises(ChunkTooLarge) as error:
        check_chunk(b'"' + b"a" * (CHUNK_BYTES - 1) + b'"')
    assert error.value.facts == {"limit": CHUNK_BYTES, "size": CHUNK_BYTES + 1}


@given(st.text())
def test_any_text_becomes_one_string(text: str) -> None:
    assert (
        json.loads(encode_text(text.encode("utf-8", "ignore")))
        == text.encode("utf-8", "ignore").decode()
    )


@given(st.binary())
def test_whatever_comes_is_either_kept_or_refused(line: bytes) -> None:
    """And what is kept is valid JSON in valid UTF-8."""
    try:
        kept = check_chunk(line)
    except InvalidChunk:
        return
    json.dumps(json.loads(kept.decode()), allow_nan=False, ensure_ascii=False).encode()
    assert b"\n" not in kept or kept == line.strip()


SPACE = st.text(" \t\r\n", max_size=3)


@given(st.lists(VALUES, max_size=6), st.data())
def test_the_values_of_an_array_are_chunks_as_they_stand(values: list[object], data: Any) -> None:
    told = [json.dumps(value, ensure_ascii=False) for value in values]
    spaced = [data.draw(SPACE) + value + data.draw(SPACE) for value in told]
    space = data.draw(SPACE)
    body = f"{space}[{','.join(spaced) or space}]{space}".encode("utf-8", "backslashreplace")
    assert flattened(body) == [value.encode("utf-8", "backslashreplace") for value in told]


@given(st.text('[]{},:"1 \n\ta\\'))
def test_what_is_no_json_value_is_not_flattened(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(InvalidChunk):
            flattened(text.encode())
        return
    chunks = [json.loads(chunk) for chunk in flattened(text.encode())]
    assert chunks == (value if isinstance(value, list) else [value])


@pytest.mark.parametrize(
    "body",
    [b"[1,]", b"[,1]", b"[1 2]", b"[1]]", b"[1", b"[", b"[1] 2", b"[1],", b"[NaN]", b"[1e400]"],
)
def test_an_array_that_is_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidChunk):
        flattened(body)


def test_each_value_of_an_array_may_be_as_large_as_a_chunk() -> None:
    most = b'"' + b"a" * (CHUNK_BYTES - 2) + b'"'
    assert flattened(b"[%b,%b]" % (most, most)) == [most, most]
    with pytest.raises(ChunkTooLarge):
        flattened(b'[1,"a' + most[1:] + b"]")
