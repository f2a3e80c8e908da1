"""Text that was cut between characters, inside of them, and between their halves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.errors import InvalidChunk
from runstreams.sdk.writing.texts import Texts


def joined(*items: object) -> list[object]:
    texts = Texts()
    return [value for item in items for value in texts.feed(item)] + texts.end()


PIECES = [
    ([b"caf\xc3", b"\xa9"], ["caf", "é"]),
    ([b"\xf0", b"\x9f\x91", b"\x8d ok"], ["👍 ok"]),
    (["ok \ud83d", "\udc4d bye"], ["ok ", "👍 bye"]),
    (["\ud83d", "\udc4d"], ["👍"]),
    (["\ud83d", "\udc4d\ud83d", "\ude42"], ["👍", "🙂"]),
    (["a\ud83d", "b"], ["a", "\ud83db"]),
    (["\ud83d", "\ud83d", "\udc4d"], ["\ud83d", "👍"]),
    (["\ud83d", {"a": 1}, "\udc4d"], ["\ud83d", {"a": 1}, "\udc4d"]),
    (["a\ud83d"], ["a", "\ud83d"]),
    (["", b"", "a", 1, None], ["", "", "a", 1, None]),
    (["\ud83d", ""], ["\ud83d"]),
]


@pytest.mark.parametrize(("pieces", "whole"), PIECES)
def test_what_was_cut_is_whole_again(pieces: list[object], whole: list[object]) -> None:
    assert joined(*pieces) == whole


@given(st.text(), st.data())
def test_text_cut_anywhere_in_utf_16_is_all_there(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le")
    cuts = sorted(data.draw(st.sets(st.integers(0, len(units) // 2)), label="cuts"))
    bounds = zip([0, *cuts], [*cuts, len(units) // 2], strict=True)
    pieces = [units[2 * a : 2 * b].decode("utf-16-le", "surrogatepass") for a, b in bounds]
    assert "".join(map(str, joined(*pieces))) == text


@pytest.mark.parametrize("pieces", [[b"\xff"], [b"caf\xc3"], [b"caf\xc3", "é"], [b"\xc3", b"a"]])
def test_bytes_that_are_no_utf_8_are_refused(pieces: list[object]) -> None:
    with pytest.raises(InvalidChunk, match="UTF-8"):
        joined(*pieces)
