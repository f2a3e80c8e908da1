"""Where a reader is, and whether the stream under it has begun anew."""

import pytest

from runstreams.core.errors import IndexExpired
from runstreams.core.position import (
    Position,
    begun_anew,
    generation_in,
    generation_of_id,
    id_prefix,
    tells_of_beginning_anew,
)


def test_the_first_generation_that_is_met_is_the_readers_own() -> None:
    position = Position(5)
    assert not position.meet("a")
    assert (position.index, position.generation) == (5, "a")


@pytest.mark.parametrize("generation", ["a", None])
def test_the_same_stream_or_none_at_all_moves_nobody(generation: str | None) -> None:
    position = Position(5, "a")
    assert not position.meet(generation)
    assert (position.index, position.generation) == (5, "a")


def test_another_generation_is_read_from_its_beginning() -> None:
    position = Position(5, "a")
    assert position.meet("b")
    assert (position.index, position.generation) == (0, "b")
    assert not position.meet("b")


def test_who_asked_for_an_index_is_told_of_a_stream_begun_anew() -> None:
    assert tells_of_beginning_anew(begun_anew())
    assert not tells_of_beginning_anew(IndexExpired("gone", first_index=9))


@pytest.mark.parametrize("name", ["a", "3f-0", "-"])
@pytest.mark.parametrize("epoch", [0, 7])
def test_a_chunks_id_tells_which_stream_it_is_of(name: str, epoch: int) -> None:
    generation = generation_in(epoch, name)
    assert generation_of_id(f"{id_prefix(generation)}12") == generation
