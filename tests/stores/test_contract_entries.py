"""Entries, held against every store: charters, books, and closes that come with chunks."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from runstreams.core.entries import AgreedDifferently, ContentTypeDiffers, Entry, EpochOver
from runstreams.core.errors import (
    NotJson,
    NotThere,
    RunCompleted,
    StreamClosed,
    StreamFull,
)
from runstreams.core.limits import DAY_MS
from runstreams.core.model import Amendment, Book, Charter, Closed, Head, StreamId, Turn
from runstreams.core.octets import stuffed, unstuffed
from runstreams.core.ports import Committed, NotCommitted, Opened, Terms
from tests.stores.conftest import Kept
from tests.stores.test_contract_ports import LIFE, STREAM, commit, open_, there

TEXT = Charter("text/plain")
BOOK = Book("1", (Turn("p", 0, 0),))


def entry(text: str, number: int | None = None, epoch: int = 0, closes: bool = False) -> Entry:
    """Return *text* as an entry, of the producer *p* if it has a *number*."""
    chunks = stuffed(text.encode())
    turn = None if number is None else Turn("p", epoch, number)
    lines = b"".join(chunk + b"\n" for chunk in chunks)
    return Entry(lines, len(chunks), "text/plain", closes, turn=turn)


async def text(kept: Kept, stream: StreamId = STREAM) -> str:
    """Return all that the stream holds."""
    page = await kept.log.read(stream, 0, raw=True)
    return unstuffed(chunk.data for chunk in page.chunks).decode()


# The ports


TRACE = f"00-{7:032x}-{7:016x}-01"


@pytest.mark.parametrize("trace", [None, TRACE])
async def test_a_charter_and_a_book_are_given_back_as_they_were_put(
    kept: Kept, trace: str | None
) -> None:
    charter = Charter("text/plain; charset=utf-8", ttl_ms=5, trace=trace)
    await kept.log.found(STREAM, charter)
    seen = await there(kept)
    assert (seen.charter, seen.book) == (charter, None)
    await kept.store.heads.amend(
        STREAM, Amendment(seen.generation, seen.expires, None, BOOK), kept.now
    )
    assert (await there(kept)).book == BOOK


@pytest.mark.parametrize("seen", [None, replace(BOOK, order="0")])
async def test_a_commit_that_has_seen_another_book_changes_nothing(
    kept: Kept, seen: Book | None
) -> None:
    head = await open_(kept)
    first = Amendment(head.generation, kept.now + LIFE, None, BOOK)
    done = await commit(kept, terms=Terms(kept.now, amendment=first))
    assert isinstance(done, Committed)
    assert done.head.book == BOOK
    late = replace(first, seen=seen, book=replace(BOOK, order="2"))
    assert isinstance(await commit(kept, terms=Terms(kept.now, amendment=late)), NotCommitted)
    assert await kept.store.heads.amend(STREAM, late, kept.now) is None
    assert ((await there(kept)).tail, (await there(kept)).book) == (1, BOOK)


async def test_an_amendment_of_another_stream_changes_nothing(kept: Kept) -> None:
    await open_(kept)
    other = Amendment(kept.generation("g2"), kept.now + LIFE, None, BOOK)
    assert isinstance(await commit(kept, terms=Terms(kept.now, amendment=other)), NotCommitted)
    assert await kept.store.heads.amend(STREAM, other, kept.now) is None
    assert (await there(kept)).book is None


async def test_chunks_and_a_close_are_one_step(kept: Kept) -> None:
    head = await open_(kept)
    closing = Amendment(head.generation, kept.now + LIFE, closed=Closed("completed"))
    done = await commit(kept, terms=Terms(kept.now, amendment=closing))
    assert isinstance(done, Committed)
    found = await there(kept)
    assert (found.tail, found.closed, found.closed_by_run) == (1, Closed("completed"), False)
    assert await kept.store.heads.amend(STREAM, closing, kept.now) is None


async def test_an_expired_stream_is_not_amended(kept: Kept) -> None:
    head = await open_(kept)
    kept.now += LIFE
    amendment = Amendment(head.generation, kept.now + LIFE)
    assert await kept.store.heads.amend(STREAM, amendment, kept.now) is None


async def test_whoever_uses_a_stream_only_lets_it_live_longer(kept: Kept) -> None:
    head = await open_(kept)
    use, later = kept.store.heads.use, head.expires + LIFE
    for generation, expires in ((kept.generation("g2"), later), (head.generation, kept.now + 1)):
        await use(STREAM, generation, expires, kept.now)
        assert await there(kept) == head
    await use(STREAM, head.generation, later, kept.now)
    assert await there(kept) == replace(head, expires=later)
    kept.now = later
    await use(STREAM, head.generation, later + LIFE, kept.now)
    assert await kept.store.heads.get(STREAM) in (None, replace(head, expires=later))


@pytest.mark.parametrize("charter", [TEXT, Charter(ttl_ms=LIFE), Charter(expires_at=2**42)])
async def test_a_commit_that_does_not_heed_a_charter_changes_nothing(
    kept: Kept, charter: Charter
) -> None:
    await kept.log.found(STREAM, charter)
    assert isinstance(await commit(kept), NotCommitted)


# What users are promised


async def test_entries_are_read_in_their_order(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    for at in range(40):  # beyond a seal
        await kept.log.write(STREAM, entry(f"{at}\n"))
    assert await text(kept) == "".join(f"{at}\n" for at in range(40))


async def test_an_entry_opens_no_stream(kept: Kept) -> None:
    with pytest.raises(NotThere):
        await kept.log.write(STREAM, entry("a"))
    assert await kept.log.head(STREAM) is None


async def test_a_stream_is_created_once_and_found_again(kept: Kept) -> None:
    first, is_new = await kept.log.found(STREAM, TEXT)
    again, is_new_again = await kept.log.found(STREAM, Charter("Text/Plain; charset=utf-8"))
    assert (is_new, is_new_again, again.generation) == (True, False, first.generation)
    with pytest.raises(AgreedDifferently):
        await kept.log.found(STREAM, replace(TEXT, ttl_ms=5))


async def test_a_stream_of_chunks_is_found_as_one_of_json(kept: Kept) -> None:
    await kept.append(STREAM, b"1")
    _, is_new = await kept.log.found(STREAM, Charter())
    assert not is_new
    with pytest.raises(AgreedDifferently):
        await kept.log.found(STREAM, TEXT)


async def test_a_stream_is_created_with_all_that_it_will_ever_have(kept: Kept) -> None:
    """In one step: one that was created and is not closed yet is not what its creator asked for."""
    whole = entry("all", closes=True)
    for expected in (True, False):
        head, is_new = await kept.log.found(STREAM, TEXT, whole)
        assert (is_new, head.tail, head.closed) == (expected, 1, Closed("completed"))
    assert (await there(kept)).closed == Closed("completed")
    with pytest.raises(AgreedDifferently):
        await kept.log.found(STREAM, TEXT, entry("all"))
    with pytest.raises(StreamClosed):
        await kept.log.write(STREAM, entry("more"))
    assert await text(kept) == "all"


async def test_who_created_a_stream_hears_so_however_soon_another_closes_it(kept: Kept) -> None:
    opened = kept.store.heads.open

    async def opened_and_closed(*arguments: Any) -> Opened:
        answer = await opened(*arguments)
        await kept.another().close(STREAM, Closed("completed"))
        return answer

    with patch.object(kept.store.heads, "open", opened_and_closed):
        head, is_new = await kept.log.found(STREAM, TEXT)
    assert (is_new, head.closed) == (True, None)
    assert (await there(kept)).closed


async def test_a_stream_is_not_created_with_more_than_it_may_have(kept: Kept) -> None:
    log = kept.another(replace(kept.limits, stream_bytes=10))
    with pytest.raises(StreamFull):
        await log.found(STREAM, TEXT, entry("more than ten"))
    assert await kept.log.head(STREAM) is None


async def test_no_stream_is_created_in_a_completed_run(kept: Kept) -> None:
    await kept.log.complete_run("run")
    with pytest.raises(RunCompleted):
        await kept.log.found(STREAM, TEXT)


async def test_producers_that_write_at_once_lose_nothing(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    logs = [kept.log, kept.another()]

    async def write(name: str, log_at: int) -> None:
        for number in range(5):
            one = replace(entry(f"{name}{number} "), turn=Turn(name, 0, number))
            await logs[log_at].write(STREAM, one)

    await asyncio.gather(*(write(name, at % 2) for at, name in enumerate("abc")))
    words = (await text(kept)).split()
    assert [word for word in words if word[0] == "a"] == [f"a{at}" for at in range(5)]
    assert len(words) == 15


async def test_a_resend_adds_nothing(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    for at, expected in enumerate([False, True, True]):
        written = await kept.log.write(STREAM, entry("a", number=0))
        assert written.repeated is expected, at
    assert await text(kept) == "a"
    with pytest.raises(EpochOver):
        await kept.log.write(STREAM, entry("b", number=0, epoch=2)) and await kept.log.write(
            STREAM, entry("c", number=1, epoch=1)
        )


async def test_the_last_entry_closes(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    written = await kept.log.write(STREAM, entry("end", closes=True))
    assert written.head.closed == Closed("completed")
    with pytest.raises(StreamClosed):
        await kept.log.write(STREAM, entry("more"))
    page = await kept.log.read(STREAM, 0, raw=True)
    assert page.closed == Closed("completed")
    assert await text(kept) == "end"


async def test_bytes_are_not_read_or_written_as_json(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    await kept.log.write(STREAM, entry("a"))
    for start in (0, 1, "tail"):
        with pytest.raises(NotJson) as refused:
            await kept.log.read(STREAM, start, seconds=5)  # type: ignore[arg-type]
        assert refused.value.content_type == "text/plain"
    with pytest.raises(NotJson):
        await kept.append(STREAM, b"1")
    assert await text(kept) == "a"


async def test_chunks_and_entries_share_one_stream(kept: Kept) -> None:
    await kept.append(STREAM, b"1")
    await kept.log.write(STREAM, Entry(b"2\n3\n", 2, "application/json"))
    await kept.append(STREAM, b"4", client="c")
    page = await kept.log.read(STREAM, 0)
    assert [chunk.data for chunk in page.chunks] == [b"1", b"2", b"3", b"4"]


async def test_plain_entries_look_at_their_stream_once(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    looked: list[StreamId] = []
    look = kept.store.heads.get

    async def counted(stream: StreamId, **how: Any) -> Head | None:
        looked.append(stream)
        return await look(stream, **how)

    with patch.object(kept.store.heads, "get", counted):
        for number in range(5):
            await kept.log.write(STREAM, entry(f"{number}"))
    assert looked == [STREAM]
    assert await text(kept) == "01234"


async def test_plain_entries_that_come_at_once_lose_nothing(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    async with kept.elsewhere() as other:
        logs = (kept.log, other)
        await asyncio.gather(
            *(logs[number % 2].write(STREAM, entry(f"{number};")) for number in range(16)),
            *(kept.log.write(STREAM, entry(f"p{number};", number)) for number in range(4)),
        )
    written = (await text(kept)).removesuffix(";").split(";")
    assert sorted(written) == sorted([f"{n}" for n in range(16)] + [f"p{n}" for n in range(4)])
    assert [each for each in written if each[0] == "p"] == ["p0", "p1", "p2", "p3"]


async def test_a_plain_entry_is_not_taken_for_one_of_a_stream_that_was(kept: Kept) -> None:
    await kept.log.found(STREAM, TEXT)
    await kept.log.write(STREAM, entry("a"))
    async with kept.elsewhere() as other:
        await other.delete(STREAM)
        with pytest.raises(NotThere):
            await kept.log.write(STREAM, entry("b"))
        await other.found(STREAM, Charter("text/html"))
        with pytest.raises(ContentTypeDiffers):
            await kept.log.write(STREAM, entry("c"))
        await other.delete(STREAM)
        await other.found(STREAM, TEXT)
        await kept.log.write(STREAM, entry("d"))
        await other.write(STREAM, Entry(closes=True))
        with pytest.raises(StreamClosed):
            await kept.log.write(STREAM, entry("e"))
    assert await text(kept) == "d"


async def test_a_plain_entry_comes_too_late_for_a_stream_that_nobody_used(kept: Kept) -> None:
    await kept.log.found(STREAM, Charter("text/plain", ttl_ms=1000))
    await kept.log.write(STREAM, entry("a"))
    await kept.log.write(STREAM, entry("b"))
    kept.now += 1000
    with pytest.raises(NotThere):
        await kept.log.write(STREAM, entry("c"))


async def there_after(kept: Kept, ms: int) -> Head | None:
    kept.now += ms
    return await kept.log.head(STREAM)


async def test_a_stream_is_forgotten_when_nobody_uses_it(kept: Kept) -> None:
    charter = Charter("text/plain", ttl_ms=1000)
    await kept.log.found(STREAM, charter)
    assert await there_after(kept, 900)
    await kept.log.write(STREAM, entry("a"))
    head = await there_after(kept, 900)
    assert head is not None
    await kept.log.use(STREAM, head)
    assert await there_after(kept, 900)
    assert not await there_after(kept, 100)
    _, is_new = await kept.log.found(STREAM, charter)
    assert is_new
    assert await text(kept) == ""


async def test_chunks_and_a_close_let_it_live_on_as_entries_do(kept: Kept) -> None:
    await kept.log.found(STREAM, Charter(ttl_ms=1000))
    assert await there_after(kept, 900)
    await kept.append(STREAM, b"1", client="c")
    assert await there_after(kept, 900)
    await kept.log.close(STREAM, Closed("completed"))
    assert await there_after(kept, 900)
    assert not await there_after(kept, 100)


async def test_a_stream_is_forgotten_at_its_hour_however_it_is_used(kept: Kept) -> None:
    await kept.log.found(STREAM, Charter("text/plain", expires_at=kept.now + 1000))
    for at in range(20):
        await kept.log.write(STREAM, entry(f"{at}"))
    assert await there_after(kept, 999)
    assert not await there_after(kept, 1)


async def test_a_stream_may_outlive_its_newest_chunk(kept: Kept) -> None:
    await kept.log.found(STREAM, Charter("text/plain", expires_at=kept.now + 40 * DAY_MS))
    await kept.log.write(STREAM, entry("a"))
    head = await there_after(kept, 30 * DAY_MS)
    assert head is not None
    assert await kept.log.first_index(STREAM, head) == 1
