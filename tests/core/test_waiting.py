"""Waiting for news, in virtual time."""

import asyncio
from dataclasses import replace

import pytest

from runstreams.core.errors import StoreError, Uncertain
from runstreams.core.limits import POLL_LAST_SECONDS, Limits
from runstreams.core.model import Closed, Head, StreamId
from runstreams.core.observing import Observer
from runstreams.core.reading import Lookup
from runstreams.core.waiting import Watches, poll_pause
from runstreams.stores.memory import MemoryStore
from tests.virtual_time import START_MS, clock, run

STREAM = StreamId("run", "key")
USUAL = Limits()
HEAD = Head("g", created=START_MS, expires=2**60, tail=3, appended=START_MS)


class Looks(MemoryStore):
    """A store that counts the looks at its head, and whose answers are scripted."""

    def __init__(self, *heads: Head | Exception | None) -> None:
        super().__init__(lambda: "id")
        self.script = list(heads)
        self.looks: list[bool] = []
        self.heads.get = self.look  # type: ignore[method-assign]

    async def look(self, stream: StreamId, *, strong: bool = True, since: int = 0) -> Head | None:
        self.looks.append(strong)
        head = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(head, Exception):
            raise head
        return head


def watches_of(store: Looks, limits: Limits = USUAL) -> Watches:
    return Watches(Lookup(store, limits, clock), clock, Observer())


def beyond(
    store: Looks, seen: Head | None, index: int, seconds: float, limits: Limits = USUAL
) -> tuple[Head | None, float]:
    """Return what a wait finds, and how long it took."""

    async def wait() -> tuple[Head | None, float]:
        watches, began = watches_of(store, limits), asyncio.get_running_loop().time()
        head = await watches.beyond(STREAM, seen, index, seconds)
        return head, asyncio.get_running_loop().time() - began

    return run(wait())


def test_news_that_are_there_are_not_waited_for() -> None:
    store = Looks(HEAD)
    assert beyond(store, HEAD, 2, 20) == (HEAD, 0)
    closed = replace(HEAD, closed=Closed("completed"))
    assert beyond(store, closed, 3, 20) == (closed, 0)
    assert store.looks == []


def test_a_wait_without_news_ends_on_time_with_what_was_known() -> None:
    found, seconds = beyond(Looks(HEAD), HEAD, 3, 20)
    assert (found, round(seconds, 6)) == (HEAD, 20)


def test_polls_are_frequent_after_activity_and_rare_in_silence() -> None:
    old = replace(HEAD, appended=START_MS - 3_600_000)
    active, quiet = Looks(HEAD), Looks(old)
    beyond(active, HEAD, 3, 20)
    beyond(quiet, old, 3, 20)
    assert not any(quiet.looks), "eventually consistent reads cost half"
    assert 19 <= len(quiet.looks) <= 21
    assert 40 <= len(active.looks) <= 50
    assert poll_pause(0, 0.1) == 0.1
    assert poll_pause(10**6, 0.1) == POLL_LAST_SECONDS


def test_a_pause_is_half_as_long_where_that_is_wanted() -> None:
    usual, often = Looks(HEAD), Looks(HEAD)
    beyond(usual, HEAD, 3, 0.49)
    beyond(often, HEAD, 3, 0.49, Limits(poll_ms=50))
    assert (len(usual.looks), len(often.looks)) == (4, 9)


def test_a_commit_elsewhere_is_seen_by_the_next_poll() -> None:
    news = replace(HEAD, tail=4)
    found, seconds = beyond(Looks(HEAD, HEAD, news), HEAD, 3, 20)
    assert found == news
    assert seconds < 1


def test_an_older_answer_is_not_believed() -> None:
    """Eventually consistent reads may show a tail below one that was seen."""
    older, news = replace(HEAD, tail=1), replace(HEAD, tail=4)
    assert beyond(Looks(older, HEAD, news), HEAD, 3, 20)[0] == news


def test_a_new_generation_is_confirmed_before_it_is_believed() -> None:
    other = replace(HEAD, generation="other", tail=9)
    store = Looks(other, HEAD)
    assert beyond(store, HEAD, 3, 1)[0] == HEAD
    assert store.looks[:2] == [False, True]
    again = Looks(replace(HEAD, generation="new"))
    found, _ = beyond(again, HEAD, 3, 20)
    assert found is not None
    assert found.generation == "new"


@pytest.mark.parametrize("there", [HEAD, None], ids=["another", "none"])
def test_a_late_answer_about_the_stream_before_is_not_believed(there: Head | None) -> None:
    """As when an append was committed, and its answer comes after the stream has begun anew, or was
    deleted.
    """

    async def wait() -> Head | None:
        watches = watches_of(Looks(there))
        reader = asyncio.create_task(watches.beyond(STREAM, there, 3, 20))
        await asyncio.sleep(1)
        watches.tell(STREAM, replace(HEAD, generation="before", tail=9))
        return await reader

    assert run(wait()) == there


def test_a_fault_while_polling_is_passed_over() -> None:
    news = replace(HEAD, tail=4)
    assert beyond(Looks(Uncertain("lost"), news), HEAD, 3, 20)[0] == news


def test_a_reader_is_told_what_makes_polling_impossible() -> None:
    """A head of a later version, or a right that was taken away."""
    with pytest.raises(StoreError, match="format"):
        beyond(Looks(StoreError("an item has a later format")), HEAD, 3, 20)


def test_a_reader_is_told_of_whatever_ends_a_poll() -> None:
    with pytest.raises(ValueError, match="no head"):
        beyond(Looks(ValueError("this is no head")), HEAD, 3, 20)


def test_polling_goes_on_after_a_fault_that_readers_did_not_meet() -> None:
    news = replace(HEAD, tail=4)
    assert beyond(Looks(StoreError("for a moment"), HEAD, news), HEAD, 3, 20)[0] == news


def test_one_poll_serves_all_readers_of_a_stream() -> None:
    store = Looks(HEAD)

    async def wait() -> None:
        watches = watches_of(store)
        waits = (watches.beyond(STREAM, HEAD, 3, 20) for _ in range(100))
        assert await asyncio.gather(*waits) == [HEAD] * 100

    run(wait())
    assert len(store.looks) <= 50


def test_a_commit_of_this_process_wakes_its_readers_at_once() -> None:
    async def wait() -> float:
        watches = watches_of(Looks(HEAD))
        reader = asyncio.create_task(watches.beyond(STREAM, HEAD, 3, 20))
        await asyncio.sleep(0)
        watches.tell(STREAM, replace(HEAD, tail=4))
        assert await reader == replace(HEAD, tail=4)
        return asyncio.get_running_loop().time()

    assert run(wait()) == 0


def test_nothing_is_left_behind_when_the_last_reader_goes() -> None:
    async def wait() -> int:
        watches = watches_of(Looks(HEAD))
        readers = [asyncio.create_task(watches.beyond(STREAM, HEAD, 3, 20)) for _ in range(3)]
        await asyncio.sleep(0.5)
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert run(wait()) == 1


class Noticing(Looks):
    """A store that notices what others commit without a look, when it is told to."""

    def __init__(self, *heads: Head | Exception | None) -> None:
        super().__init__(*heads)
        self.noticed = False
        self.fault: Exception | None = None
        self.changes = self.has_changed  # type: ignore[assignment]

    def has_changed(self) -> bool:
        if self.fault is not None:
            raise self.fault
        noticed, self.noticed = self.noticed, False
        return noticed


def test_a_reader_that_stays_looks_once_and_then_only_when_something_was_committed() -> None:
    store, news = Noticing(HEAD), replace(HEAD, tail=4)

    async def wait() -> Head | None:
        watches = watches_of(store)
        with watches.watching(STREAM, HEAD):
            for _ in range(3):
                assert await watches.beyond(STREAM, HEAD, 3, 20) == HEAD
            assert len(store.looks) == 1
            reader = asyncio.create_task(watches.beyond(STREAM, HEAD, 3, 20))
            await asyncio.sleep(1)
            store.script, store.noticed = [news], True
            return await reader

    assert run(wait()) == news
    assert len(store.looks) == 2


def test_a_commit_between_a_look_and_the_watch_is_not_missed() -> None:
    """By another process: nothing changes any more once we watch."""
    news = replace(HEAD, tail=4)
    assert beyond(Noticing(news), HEAD, 3, 20) == (news, 0)


def test_readers_who_stay_are_told_that_nothing_can_be_noticed_any_more() -> None:
    store = Noticing(HEAD)

    async def wait() -> None:
        watches = watches_of(store)
        with watches.watching(STREAM, HEAD):
            await watches.beyond(STREAM, HEAD, 3, 1)
            reader = asyncio.create_task(watches.beyond(STREAM, HEAD, 3, 20))
            await asyncio.sleep(1)
            store.fault = StoreError("the file was removed")
            store.script = [store.fault]
            with pytest.raises(StoreError, match="removed"):
                await reader

    run(wait())


def test_noticing_goes_on_after_a_fault_that_has_passed() -> None:
    store, news = Noticing(HEAD), replace(HEAD, tail=4)

    async def wait() -> Head | None:
        watches = watches_of(store)
        reader = asyncio.create_task(watches.beyond(STREAM, HEAD, 3, 20))
        await asyncio.sleep(1)
        store.fault = StoreError("for a moment")
        await asyncio.sleep(0.025)
        store.fault = None
        await asyncio.sleep(1)
        store.script, store.noticed = [news], True
        return await reader

    assert run(wait()) == news


def test_streams_of_a_run_are_noticed_again_after_a_fault_while_nobody_reads_one() -> None:
    store = Noticing(None)

    async def wait() -> None:
        watches, news = watches_of(store), asyncio.Event()
        with watches.arrivals("run", news):
            await asyncio.sleep(1)
            store.fault = StoreError("for a moment")
            await asyncio.sleep(0.025)
            store.fault = None
            await asyncio.sleep(2)
            news.clear()
            store.noticed = True
            await asyncio.wait_for(news.wait(), 20)

    run(wait())
