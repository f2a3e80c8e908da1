"""Names that users choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runstreams.core.errors import InvalidName
from runstreams.core.names import ENCODED_BYTES, check_client, check_key, check_run, encode


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "a\nb", "a\x00", "\x7f", "\u2028", "\ud800", "a" * 257],
    ids=repr,
)
def test_a_name_that_would_do_harm_is_refused(name: str) -> None:
    for check in (check_run, check_key, check_client):
        with pytest.raises(InvalidName):
            check(name)


def test_a_name_is_measured_in_bytes() -> None:
    assert check_key("é" * 128)
    with pytest.raises(InvalidName) as error:
        check_key("é" * 129)
    assert error.value.facts == {"limit": 256, "size": 258}


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_are_stored_under_different_names(one: str, other: str) -> None:
    try:
        stored = encode(one), encode(other)
    except UnicodeEncodeError:
        return
    assert (stored[0] == stored[1]) == (one == other)


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_stored_name_is_safe_as_one_part_of_a_path(name: str) -> None:
    stored = encode(name)
    assert len(stored) <= ENCODED_BYTES
    assert stored.isascii()
    assert not set(stored) & set("/\\. #")
