"""Several streams of a run followed as one, on every store."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from runstreams.core.errors import IndexBeyondTail, RunstreamsError
from runstreams.core.following import End, Tick
from runstreams.core.joint import Item, Joint
from runstreams.core.model import Closed, Page, StreamId
from tests.stores.conftest import Kept

A, B, C = (StreamId("run", key) for key in "abc")


class Following:
    """A live reader in the background, and what has come of each stream."""

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        self.chunks: dict[str, list[bytes]] = {}
        self.closed: dict[str, str] = {}
        self.errors: dict[str, RunstreamsError] = {}
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async with aclosing(self.joint.items()) as items:
            async for item in items:
                self._take(item)

    def _take(self, item: Item) -> None:
        if isinstance(item.what, Page):
            data = [bytes(chunk.data) for chunk in item.what.chunks]
            self.chunks.setdefault(item.key, []).extend(data)
            if item.what.closed is not None:
                self.closed[item.key] = item.what.closed.status
        elif not isinstance(item.what, Tick):
            self.errors[item.key] = item.what

    async def until(self, chunks: Mapping[str, list[bytes]]) -> None:
        """Wait until this has come, and no more."""
        async with asyncio.timeout(20):
            while self.chunks != chunks:
                await asyncio.sleep(0.01)
                assert not self.task.done() or self.chunks == chunks, self.chunks


@asynccontextmanager
async def following(
    kept: Kept, wanted: Mapping[str, int | None], everything: bool = False
) -> AsyncIterator[Following]:
    async with kept.elsewhere() as log:
        following = Following(log.follow_run("run", wanted, everything=everything, silence=60))
        yield following
        following.task.cancel()
        await asyncio.wait([following.task])
        assert not log._watches._watches
        assert not log._watches._arrivals


async def test_what_comes_of_each_stream_comes_once_and_in_order(kept: Kept) -> None:
    await kept.append(A, b"0", b"1")
    async with following(kept, {"a": 1, "b": 0}) as reader:
        await reader.until({"a": [b"1"]})
        for number in (b"2", b"3"):
            await kept.append(A, number)
            await kept.append(B, number)
        await kept.append(C, b"0")
        await reader.until({"a": [b"1", b"2", b"3"], "b": [b"2", b"3"]})


async def test_streams_that_come_later_are_found(kept: Kept) -> None:
    await kept.append(A, b"0")
    async with following(kept, {"c": None}, everything=True) as reader:
        await reader.until({"a": [b"0"]})
        await kept.append(B, b"1")
        await kept.append(C, b"left out")
        await reader.until({"a": [b"0"], "b": [b"1"]})
        await kept.log.complete_run("run")
        await asyncio.wait_for(reader.task, 20)
        assert reader.joint.end is End.CLOSED
        assert reader.closed == {"a": "completed", "b": "completed"}


async def test_a_stream_that_is_begun_anew_goes_on_from_its_beginning_and_others_as_they_were(
    kept: Kept,
) -> None:
    await kept.append(A, b"0", b"1")
    await kept.append(B, b"0")
    async with following(kept, {"a": 0, "b": 0}) as reader:
        await reader.until({"a": [b"0", b"1"], "b": [b"0"]})
        await kept.log.delete(A)
        await kept.append(A, b'"anew"')
        await kept.append(B, b"1")
        await reader.until({"a": [b"0", b"1", b'"anew"'], "b": [b"0", b"1"]})


async def test_the_end_of_one_stream_and_an_index_beyond_another_end_nobody_else(
    kept: Kept,
) -> None:
    await kept.append(A, b"0")
    async with following(kept, {"a": 0, "b": 7, "c": 0}) as reader:
        await kept.log.close(A, Closed("failed"))
        await kept.append(C, b"1")
        await reader.until({"a": [b"0"], "c": [b"1"]})
        assert isinstance(reader.errors["b"], IndexBeyondTail)
        await kept.log.close(C, Closed("canceled"))
        await asyncio.wait_for(reader.task, 20)
        # Of one of them there may be more.
        assert reader.joint.end is End.OUT_OF_TIME
        assert reader.closed == {"a": "failed", "c": "canceled"}


async def test_a_long_poll_brings_what_there_is_and_then_what_comes(kept: Kept) -> None:
    await kept.append(A, b"0")
    await kept.append(C, b"0")
    wanted = {"a": 1, "c": None}
    async with kept.elsewhere() as log:
        polling = asyncio.create_task(log.read_run("run", wanted, everything=True, seconds=20))
        await asyncio.sleep(0.1)
        await kept.append(B, b"1")
        assert _shown((await polling).items) == {"b": [b"1"]}
    await kept.append(A, b"2")
    found = await kept.log.read_run("run", wanted, everything=True, seconds=20)
    assert _shown(found.items) == {"a": [b"2"], "b": [b"1"]}
    await kept.log.complete_run("run")
    assert (await kept.log.read_run("run", {"a": 2, "b": 1})).over


def _shown(items: list[Item]) -> dict[str, list[bytes]]:
    pages = {item.key: item.what for item in items if isinstance(item.what, Page)}
    return {key: [bytes(chunk.data) for chunk in page.chunks] for key, page in pages.items()}
