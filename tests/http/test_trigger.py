"""A published writer that has lost chunks of its own is found out when it goes on."""

import asyncio
import json

import pytest

from runstreams.core.limits import Limits
from runstreams.http import Host
from runstreams.http.trigger import OVERLAP
from tests.http.asgi import STREAM, Answer, Api, in_virtual_time

PUBLISHED = {"x-stream-version": "v1", "trigger-version": "4.8.3"}


def lines(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def chunks(first: int, end: int) -> list[str]:
    return [f"chunk {number}" for number in range(first, end)]


async def send(api: Api, number: int, *values: object, client: str = "c1", **more: str) -> Answer:
    headers = {"x-client-id": client, "x-resume-from-chunk": str(number), **PUBLISHED, **more}
    return await api.ask("POST", STREAM, lines(*values), headers)


async def told(api: Api, client: str = "c1", **headers: str) -> int:
    answer = await api.ask("HEAD", STREAM, headers={"x-client-id": client, **headers})
    return int(answer.headers["x-last-chunk-index"])


@in_virtual_time
async def test_a_published_writer_is_asked_to_send_the_last_chunks_again() -> None:
    api = Api()
    await send(api, 0, *chunks(0, 20))
    assert await told(api, **PUBLISHED) == 19 - OVERLAP
    assert await told(api) == 19
    assert await told(api, **{"x-stream-version": "v1"}) == 19
    await send(api, 0, "only", client="c2")
    assert await told(api, "c2", **PUBLISHED) == -1


@pytest.mark.parametrize("host", [Host(), Host(body_bytes=4_000_000)], ids=["streamed", "whole"])
@in_virtual_time
async def test_what_it_sends_again_is_there_once(host: Host) -> None:
    api = Api(host)
    await send(api, 0, *chunks(0, 20))
    assert (await send(api, 12, *chunks(12, 30))).status == 200
    assert (await send(api, 0, *chunks(0, 31))).status == 200
    assert await api.chunks() == chunks(0, 31)


@pytest.mark.parametrize("host", [Host(), Host(body_bytes=4_000_000)], ids=["streamed", "whole"])
@pytest.mark.parametrize("resumed", [12, 5, 0])
@in_virtual_time
async def test_a_gap_is_refused_and_nothing_after_it_is_stored(host: Host, resumed: int) -> None:
    """The client says that it goes on at *resumed*, and begins with chunk 100."""
    api = Api(host)
    await send(api, 0, *chunks(0, 20))
    answer = await send(api, resumed, *chunks(100, 200))
    assert (answer.status, answer.error["code"]) == (409, "chunk_gap")
    assert answer.error["expected"] == 20
    assert answer.headers["x-should-retry"] == "false"
    assert await api.chunks() == chunks(0, 20)


@in_virtual_time
async def test_a_gap_shows_among_other_writers_too() -> None:
    """Only the last chunk's place is known then."""
    api = Api()
    for number in range(20):
        await send(api, number, f"chunk {number}")
        await send(api, number, "of another", client="c2")
    assert (await send(api, 12, *chunks(100, 200))).status == 409
    assert (await send(api, 12, *chunks(12, 21))).status == 200
    assert (await api.chunks())[-1] == "chunk 20"


@in_virtual_time
async def test_a_token_that_is_the_same_by_chance_hides_no_gap() -> None:
    api = Api()
    await send(api, 0, *chunks(0, 19), " the")
    answer = await send(api, 12, *chunks(100, 107), " the", *chunks(108, 120))
    assert answer.status == 409


@in_virtual_time
async def test_whoever_numbers_chunks_itself_is_not_compared() -> None:
    api = Api()
    headers = {"x-client-id": "c1", "x-resume-from-chunk": "0"}
    for first in ("one", "two"):
        assert (await api.ask("POST", STREAM, lines(first), headers)).status == 200
    assert await api.chunks() == ["one"]


@in_virtual_time
async def test_large_chunks_are_compared_too() -> None:
    api = Api()
    large = [f"{number}" * 900_000 for number in range(9)]
    await send(api, 0, *large)
    assert (await send(api, 1, *large[1:], "more")).status == 200
    assert (await send(api, 2, *large[2:8], "other")).status == 409


@in_virtual_time
async def test_what_has_expired_is_not_compared() -> None:
    api = Api(limits=Limits(retention_ms=60_000))
    await send(api, 0, *chunks(0, 3))
    await asyncio.sleep(50)
    await send(api, 0, "keeps the stream", client="c2")
    await asyncio.sleep(50)
    assert (await send(api, 0, *chunks(0, 5))).status == 200
    assert (await api.chunks())[-2:] == chunks(3, 5)
