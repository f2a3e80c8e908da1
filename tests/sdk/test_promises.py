"""What a writer says of when it will be heard of next, in virtual time."""

import asyncio
from dataclasses import replace

import pytest

from runstreams import Client
from runstreams.core.errors import StreamClosed
from runstreams.core.model import Closed
from runstreams.errors import FencedOff, InvalidSetting, Unreachable
from runstreams.sdk.leases import lease_of
from runstreams.sdk.run_leases import RunLeases
from tests.sdk.scripted import STREAM, lines
from tests.sdk.test_sender import World, story

DOWN = Unreachable("down")
SLEEP = 3600


async def until(world: World) -> int | None:
    """Return until when the stream is leased."""
    return (await world.transport.describe(STREAM)).leased_until


def test_the_first_chunk_carries_a_promise_and_those_that_follow_need_none() -> None:
    async def tell(world: World) -> None:
        for value in range(100):
            world.put(value)
            await asyncio.sleep(1)
        assert world.transport.promises == [60] + 99 * [None]

    story(tell, lease=60)


def test_in_silence_it_promises_without_a_chunk_three_times_a_lease() -> None:
    async def tell(world: World) -> None:
        await asyncio.sleep(SLEEP)
        assert set(world.transport.promises) == {60}
        assert [round(time) for time in world.transport.times[:4]] == [1, 21, 41, 61]
        assert world.transport.appends == []
        world.put(0)
        assert await world.end() == [0]

    story(tell, lease=60)


def test_after_a_silence_chunks_keep_the_promise_again() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(30)
        world.put(1)
        await asyncio.sleep(19)
        assert world.transport.promises == [60, 60, None]
        assert await until(world) is not None

    story(tell, lease=60)


def test_who_promises_nothing_is_silent() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(SLEEP)
        assert world.transport.promises == [None]

    story(tell)


def test_what_is_tried_again_needs_no_promise_beside() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", *[DOWN] * 20)
        world.put(0)
        await asyncio.sleep(200)
        assert world.transport.appends == [(0, b"0\n")] * 21
        assert world.transport.promises[:21] == [60] * 21

    story(tell, lease=60)


def test_a_promise_that_does_not_get_through_is_soon_made_again_and_ends_nothing() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", *[DOWN] * 500)
        await asyncio.sleep(SLEEP)
        assert not world.task.done()
        assert [round(time) for time in world.transport.times[:3]] == [1, 6, 11]

    story(tell, lease=60)


def test_a_chunk_does_not_wait_for_a_promise_to_be_made_again() -> None:
    async def tell(world: World) -> None:
        world.transport.fail("append", DOWN)
        await asyncio.sleep(1.5)
        world.put(0)
        await asyncio.sleep(0.1)
        assert world.transport.times[-1] == 1.5

    story(tell, lease=60)


def test_it_promises_again_when_another_has_let_go_of_the_lease_of_both() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(1)
        await world.transport.log.hold(STREAM, "another", 60_000)
        await world.transport.log.release(STREAM, "another")
        for value in (1, 2, 3):
            world.put(value)
            await asyncio.sleep(1)
        assert world.transport.promises == [60, None, 60, None]

    story(tell, lease=60)


def test_the_last_chunks_let_go() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(1)
        world.put(1)
        world.sender.end(lets_go=True)
        await world.task
        assert world.transport.promises == [60, 0]
        assert await until(world) is None
        assert not world.sender.promise.is_made

    story(tell, lease=60)


def test_who_has_only_last_chunks_promises_nothing() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        world.sender.end(lets_go=True)
        await world.task
        assert world.transport.promises == [None]

    story(tell, lease=60)


def test_it_hears_in_silence_that_readers_ask_to_stop() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(1)
        await world.transport.stop(STREAM)
        await asyncio.sleep(20)
        assert [receipt.stop for receipt in world.receipts] == [False, True]

    story(tell, lease=60)


def test_it_hears_in_silence_that_the_stream_was_closed() -> None:
    async def tell(world: World) -> None:
        world.put(0)
        await asyncio.sleep(1)
        await world.transport.log.close(STREAM, Closed("canceled"))
        with pytest.raises(StreamClosed):
            await asyncio.wait_for(world.task, 25)

    story(tell, lease=60)


def test_a_server_that_knows_no_leases_is_none_the_wiser() -> None:
    async def tell(world: World) -> None:
        append = world.transport.log.append
        world.transport.log.append = lambda stream, batch: append(  # type: ignore[method-assign]
            stream, replace(batch, lease_ms=0)
        )
        for value in (0, 1):
            world.put(value)
            await asyncio.sleep(1)
        assert await world.end() == [0, 1]

    story(tell, lease=60)


@pytest.mark.parametrize(
    ("given", "environ", "seconds"),
    [(None, {}, 60), (0, {}, 0), (None, {"RUNSTREAMS_LEASE_SECONDS": " 7 "}, 7), (3600, {}, 3600)],
)
def test_what_is_promised_is_told_or_stands_in_the_environment(
    given: int | None, environ: dict[str, str], seconds: int
) -> None:
    assert lease_of(given, environ) == seconds


@pytest.mark.parametrize("lease", [-1, 3601, 0.5, "60", True])
def test_what_cannot_be_promised_is_refused_at_once(lease: object) -> None:
    with pytest.raises(InvalidSetting, match="lease must be"):
        Client("http://127.0.0.1:1", "key", lease=lease)  # type: ignore[arg-type]
    with (
        Client("http://127.0.0.1:1", "key") as client,
        pytest.raises(InvalidSetting, match="lease must be"),
    ):
        client.streams.pipe(lines([1]), target="run_1", lease=lease)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "3601"])
def test_what_cannot_be_promised_is_named_by_its_variable(text: str) -> None:
    with pytest.raises(InvalidSetting, match="RUNSTREAMS_LEASE_SECONDS must be"):
        lease_of(None, {"RUNSTREAMS_LEASE_SECONDS": text})


async def test_a_promise_that_was_handed_over_meanwhile_is_kept() -> None:
    """The answer to one that was made before may come later."""
    leases = RunLeases(Refusing(), "run", 60)  # type: ignore[arg-type]
    leases.take(STREAM, 0)
    promising = asyncio.create_task(leases._hold(STREAM))
    await asyncio.sleep(0)
    leases.take(STREAM, 1)
    await promising
    assert leases._streams == {STREAM: 1}
    await leases._hold(STREAM)
    assert leases._streams == {}


class Refusing:
    """An engine whose server keeps everybody out, after a moment."""

    def patience(self, doing: object) -> None:
        return None

    async def persist(self, promise: object, patience: object) -> None:
        await asyncio.sleep(0.01)
        raise FencedOff("another writer has taken the stream over", fence=2)
