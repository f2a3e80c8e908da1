"""Readers that wait, counted by the tokens they show."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from runstreams.http import Host
from runstreams.http.live.readers import AGAIN_SECONDS, Readers
from tests.http.asgi import AUTH, READ, Answer, Api, Request, in_virtual_time, token

MOST = 2
POLL = f"{READ}?start=tail&wait=20"
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def api() -> Api:
    return Api(Host(readers=Readers(MOST)))


@asynccontextmanager
async def waiting(api: Api, *readers: Mapping[str, str]) -> AsyncIterator[list[Request]]:
    """Let each of *readers*, by its headers, begin to wait."""
    requests = []
    for headers in readers:
        requests.append(api.begin("GET", POLL, headers))
        await asyncio.sleep(0.1)
    yield requests
    for request in requests:
        request.go_away()
        await request.done()


async def refused(api: Api, headers: Mapping[str, str]) -> Answer:
    request = api.begin("GET", POLL, {**headers, "origin": "https://app.example"})
    answer = await request.done()
    assert answer.status == 429
    return answer


@pytest.mark.parametrize("kind", [{}, EVENTS])
@in_virtual_time
async def test_whoever_is_one_too_many_is_told_when_to_come_back(
    api: Api, kind: dict[str, str]
) -> None:
    reader = {**token("read:runs:run_1"), **kind}
    async with waiting(api, reader, reader):
        answer = await refused(api, reader)
    assert answer.error == {
        "code": "too_many_readers",
        "message": "2 readers wait with this token already",
        "limit": MOST,
        "retry_after": AGAIN_SECONDS,
    }
    assert answer.headers["retry-after"] == str(AGAIN_SECONDS)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-should-retry" not in answer.headers


@in_virtual_time
async def test_polls_and_event_streams_count_together(api: Api) -> None:
    reader = token("read:runs:run_1")
    async with waiting(api, reader, {**reader, **EVENTS}):
        await refused(api, reader)


@pytest.mark.parametrize("kind", [{}, EVENTS])
@in_virtual_time
async def test_whoever_follows_a_whole_run_is_one_reader(api: Api, kind: dict[str, str]) -> None:
    reader = {**token("read:runs:run_1"), **kind}
    async with waiting(api, reader):
        following = api.begin("POST", "/realtime/v1/runs/run_1/follow", reader)
        following.send(b'{"all": true}', more=False)
        await asyncio.sleep(0.1)
        await refused(api, reader)
        following.go_away()
        await following.done()
        async with waiting(api, reader) as requests:
            assert not requests[0].is_over


@in_virtual_time
async def test_when_a_reader_has_gone_there_is_room_for_another(api: Api) -> None:
    reader = token("read:runs:run_1")
    async with waiting(api, reader, {**reader, **EVENTS}) as requests:
        for request in requests:
            request.go_away()
            await request.done()
        async with waiting(api, reader, reader) as others:
            assert [each.is_over for each in others] == [False, False]
    assert not api.app.service.host.readers._waiting


@in_virtual_time
async def test_tokens_do_not_count_for_each_other_and_a_secret_key_has_no_limit(api: Api) -> None:
    one, other = token("read:runs:run_1"), token("read:runs")
    async with waiting(api, one, one, other, other, *[AUTH] * 5) as requests:
        assert not any(each.is_over for each in requests)


@in_virtual_time
async def test_a_reader_who_may_not_read_takes_nobodys_place(api: Api) -> None:
    stranger = token("read:runs:other")
    for _ in range(MOST + 1):
        assert (await api.begin("GET", POLL, stranger).done()).status == 403


@in_virtual_time
async def test_without_a_limit_everybody_waits() -> None:
    reader = token("read:runs:run_1")
    async with waiting(Api(), *[reader] * 9) as requests:
        assert not any(each.is_over for each in requests)
