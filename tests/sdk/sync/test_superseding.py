# Written by scripts/unasync.py: change tests/sdk/aio/test_superseding.py, then `make format`.
"""Superseding chunks, on the sync surface at a real server: what writers say and readers see."""

import pytest

from runstreams import Client
from runstreams.errors import (
    IndexBeyondTail,
    InvalidChunk,
    InvalidIndex,
    InvalidSetting,
    RolledBack,
    WriterClosed,
)
from tests.sdk.sync.helpers import read


def begin_anew(client: Client, run: str, index: int, *chunks: str) -> None:
    """Take the stream over, and write *chunks* in the place of those from *index* on."""
    with client.streams.take_over("k", target=run, close=True) as writer:
        writer.supersede(index)
        for chunk in chunks:
            writer.write(chunk)


def write(client: Client, run: str, *chunks: str) -> None:
    with client.streams.writer("k", target=run) as writer:
        for chunk in chunks:
            writer.write(chunk)


@pytest.mark.also_deployed
def test_a_reader_that_begins_later_sees_what_counts_and_may_see_all(
    client: Client, run: str
) -> None:
    write(client, run, "As", " it", " was")
    begin_anew(client, run, 1, " it", " is")
    assert read(client, run, "k") == ["As", " it", " is"]
    everything = client.streams.read(run, "k", superseded="keep", chunks=True)
    assert [chunk.index for chunk in everything] == [0, 1, 2, 3, 4]
    of_run = client.streams.read_run(run, timeout=1)
    assert [chunk.index for chunk in of_run] == [0, 3, 4]


def test_a_live_reader_is_told_what_to_take_back_and_goes_on(client: Client, run: str) -> None:
    write(client, run, "As", " it", " was")
    reader, seen = client.streams.read(run, "k"), list[str]()
    for _ in range(3):
        seen.append(next(reader))
    begin_anew(client, run, 1, " it", " is")
    with pytest.raises(RolledBack) as back:
        next(reader)
    assert (back.value.key, back.value.index, back.value.kept) == ("k", 1, 1)
    del seen[back.value.kept :]
    for chunk in reader:
        seen.append(chunk)
    assert seen == ["As", " it", " is"]


@pytest.mark.parametrize(("index", "kept"), [(0, []), (1, ["As"]), (2, ["As"]), (3, ["As", " it"])])
def test_what_was_not_given_as_it_is_no_chunk_as_defined_is_not_counted(
    client: Client, run: str, index: int, kept: list[str]
) -> None:
    client.streams.append("k", "As", target=run)
    client.streams.append("k", 0, target=run)
    write(client, run, " it", " was")
    reader, seen = client.streams.define("k", str).read(run), list[str]()
    seen.append(next(reader))
    with pytest.raises(InvalidChunk):
        next(reader)
    for _ in range(2):
        seen.append(next(reader))
    begin_anew(client, run, index, "so")
    with pytest.raises(RolledBack) as back:
        next(reader)
    assert seen[: back.value.kept] == kept
    assert next(reader) == "so"


def test_a_live_reader_of_a_run_is_told_of_which_stream(client: Client, run: str) -> None:
    write(client, run, "As", " it", " was")
    client.streams.append("other", 0, target=run)
    reader = client.streams.read_run(run, timeout=10)
    seen = [next(reader) for _ in range(4)]
    assert {chunk.key for chunk in seen} == {"k", "other"}
    begin_anew(client, run, 0, "So")
    with pytest.raises(RolledBack) as back:
        next(reader)
    assert (back.value.key, back.value.index, back.value.kept) == ("k", 0, 0)
    assert (next(reader)).data == "So"


def test_a_reader_that_keeps_all_is_told_nothing(client: Client, run: str) -> None:
    write(client, run, "As")
    reader = client.streams.read(run, "k", superseded="keep")
    seen = [next(reader)]
    begin_anew(client, run, 0, "So")
    assert [*seen, *[chunk for chunk in reader]] == ["As", "So"]


def test_what_is_written_before_is_superseded_as_well_and_nothing_twice(
    client: Client, run: str
) -> None:
    """In one go: what supersedes begins a batch of its own."""
    with client.streams.writer("k", target=run, close=True) as writer:
        for chunk in ("As", " it", " wa\ud83d"):
            writer.write(chunk)
        writer.supersede(1)
        for chunk in (" it", " is"):
            writer.write(chunk)
    assert read(client, run, "k") == ["As", " it", " is"]
    (span,) = (client.streams.describe(run, "k")).superseded
    assert span.start == 1


def test_a_writer_that_supersedes_and_writes_nothing_changes_nothing(
    client: Client, run: str
) -> None:
    write(client, run, "As")
    begin_anew(client, run, 0)
    assert read(client, run, "k") == ["As"]


def test_an_heir_is_given_what_counts(client: Client, run: str) -> None:
    write(client, run, "As", " it", " was")
    for chunk in ("first", "second"):
        with client.streams.take_over("k", target=run) as writer:
            writer.supersede(1)
            writer.write(chunk)
    with client.streams.take_over("k", target=run) as heir:
        assert (heir.next_index, heir.stored()) == (5, ["As", "second"])


def test_what_makes_no_sense_is_refused(client: Client, run: str) -> None:
    with pytest.raises(InvalidSetting):
        client.streams.read(run, "k", superseded="show")  # type: ignore[call-overload]
    writer = client.streams.writer("k", target=run)
    with pytest.raises(InvalidIndex):
        writer.supersede(-1)
    writer.supersede(1)
    writer.write("there is none")
    writer.close()
    with pytest.raises(IndexBeyondTail):
        writer.wait_until_complete()
    ended = client.streams.writer("k", target=run)
    ended.close()
    with pytest.raises(WriterClosed):
        ended.supersede(0)
