"""Several streams of a run over one connection, in either rendering."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runstreams.core.limits import (
    EVENT_BYTES,
    FOLLOW_BODY_BYTES,
    FOLLOWED_NAMES,
    FOLLOWED_STREAMS,
    KEY_BYTES,
    PING_SECONDS,
    WAIT_SECONDS,
    Limits,
)
from runstreams.core.model import Closed, StreamId
from runstreams.http import Host, Stop
from tests.http.asgi import AUTH, Answer, Api, Request, in_virtual_time, token
from tests.virtual_time import START_MS

FOLLOW = "/realtime/v1/runs/run_1/follow"
A, B, C = (StreamId("run_1", key) for key in "abc")
EVENTS = {"accept": "text/event-stream"}


def many(count: int, index: int | None) -> str:
    """Return a body that names so many streams."""
    return json.dumps({"all": True, "streams": {f"k{n}": index for n in range(count)}})


def nothing(over: bool) -> dict[str, object]:
    return {"streams": [], "over": over, "leased_until": None}


@asynccontextmanager
async def following(api: Api, asked: Any, **headers: str) -> AsyncIterator[Request]:
    """Follow by an event stream; go away afterwards."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = api.begin("POST", FOLLOW, {**AUTH, **EVENTS, **named})
    request.send(json.dumps(asked).encode(), more=False)
    await asyncio.sleep(0.2)
    yield request
    request.go_away()
    await request.done()


def events(request: Request) -> list[tuple[str, Any]]:
    """Return the events so far, as (event, data)."""
    blocks = request.answer.body.decode().split("\n\n")[:-1]
    pairs = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [
        (each["event"], each["data"] if each["event"] == "error" else json.loads(each["data"]))
        for each in pairs
    ]


def pages(request: Request) -> list[tuple[str, list[Any], str | None]]:
    """Return key, values and ending of each page so far."""
    return [shown(item) for event, item in events(request) if event == "stream"]


def shown(item: Any) -> tuple[str, list[Any], str | None]:
    values = [chunk["data"] for chunk in item["chunks"]]
    return item["key"], values, item["closed"] and item["closed"]["status"]


async def poll(api: Api, asked: Any, query: str = "?wait=0", **more: Any) -> Answer:
    return await api.ask("POST", FOLLOW + query, json.dumps(asked), **more)


@in_virtual_time
async def test_each_event_names_its_stream() -> None:
    api = Api()
    await api.write("1", stream=A)
    async with following(api, {"streams": {"a": 0, "b": 0}}) as reader:
        await api.write('"x"', stream=B)
        await asyncio.sleep(0.2)
        assert pages(reader) == [("a", [1], None), ("b", ["x"], None)]
        assert reader.answer.headers["content-type"] == "text/event-stream"


@in_virtual_time
async def test_the_bytes_of_an_event() -> None:
    api = Api()
    await api.write('{"a":\r"q"}', stream=A)
    generation = (await api.log.head(A)).generation
    async with following(api, {"streams": {"a": 0}}) as reader:
        assert reader.answer.body.decode() == (
            'event: stream\ndata: {"key":"a","chunks":[{"index":0,"data":{"a": "q"},'
            f'"id":"{generation}-0","timestamp":{START_MS}}}],'
            '"next_index":1,"tail":1,"closed":null,"leased_until":null}\n\n'
        )


@in_virtual_time
async def test_a_client_goes_on_from_the_positions_that_it_keeps() -> None:
    api = Api()
    for stream in (A, B):
        await api.write("0", "1", "2", stream=stream)
    async with following(api, {"streams": {"a": 2, "b": 3}}) as reader:
        assert pages(reader) == [("a", [2], None)]
    assert (
        json.loads((await poll(api, {"streams": {"a": 2, "b": 3}})).body)["streams"][0]["chunks"][
            0
        ]["index"]
        == 2
    )


@in_virtual_time
async def test_a_closed_stream_ends_alone_and_the_last_one_ends_all() -> None:
    api = Api()
    await api.write("1", stream=A)
    async with following(api, {"streams": {"a": 0, "b": 0}}) as reader:
        await api.log.close(A, Closed("failed", "boom"))
        await asyncio.sleep(0.2)
        assert pages(reader) == [("a", [1], None), ("a", [], "failed")]
        await api.write("2", stream=B)
        await asyncio.sleep(0.2)
        await api.log.close(B, Closed("completed"))
        await reader.done()
        assert pages(reader)[2:] == [("b", [2], None), ("b", [], "completed")]
        assert events(reader)[-1] == ("end", {"silent": False})
        assert reader.answer.complete


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (9, {"code": "index_beyond_tail", "tail": 3}),
        (1, {"code": "index_expired", "first_index": 2}),
    ],
)
@in_virtual_time
async def test_an_index_that_is_not_there_is_told_of_its_stream_and_the_others_go_on(
    index: int, error: dict[str, Any]
) -> None:
    api = Api(limits=Limits(retention_ms=100_000))
    await api.write("0", "1", stream=A)
    await asyncio.sleep(60)
    await api.write("2", stream=A)
    await asyncio.sleep(60)
    asked = {"streams": {"a": index, "b": 0}}
    async with following(api, asked) as reader:
        [(event, item)] = events(reader)
        assert event == "stream"
        assert error.items() <= item["error"].items()
        await api.write("1", stream=B)
        await asyncio.sleep(0.2)
        assert pages_of(events(reader)[1:]) == [("b", [1], None)]
    [told, page] = (await poll(api, asked)).json()["streams"]
    assert (told["key"], error.items() <= told["error"].items()) == ("a", True)
    assert shown(page) == ("b", [1], None)


def pages_of(found: list[tuple[str, Any]]) -> list[tuple[str, list[Any], str | None]]:
    return [shown(item) for _, item in found]


@in_virtual_time
async def test_all_brings_streams_that_come_later_and_leaves_out_what_is_not_wanted() -> None:
    api = Api()
    await api.write("0", "1", stream=A)
    await api.write("0", stream=C)
    async with following(api, {"all": True, "streams": {"a": 1, "c": None}}) as reader:
        await api.write('"new"', stream=B)
        await asyncio.sleep(1.5)
        assert pages(reader) == [("a", [1], None), ("b", ["new"], None)]


@in_virtual_time
async def test_all_ends_when_the_run_is_completed_and_everything_is_read() -> None:
    api = Api()
    await api.write("0", stream=A)
    async with following(api, {"all": True}) as reader:
        await api.log.close(A, Closed("completed"))
        await asyncio.sleep(5)
        assert not reader.is_over
        await api.write("1", stream=B)
        await api.log.complete_run("run_1")
        await reader.done()
    assert {key for key, *_ in pages(reader)} == {"a", "b"}
    assert next(values for key, values, _ in pages(reader) if key == "b") == [1]
    assert events(reader)[-1] == ("end", {"silent": False})


@in_virtual_time
async def test_all_of_a_run_that_is_completed_without_streams_ends_at_once() -> None:
    api = Api()
    await api.log.complete_run("run_1")
    async with following(api, {"all": True}) as reader:
        await reader.done()
        assert events(reader) == [("end", {"silent": False})]
    assert (await poll(api, {"all": True}, "")).json() == nothing(over=True)


@in_virtual_time
async def test_silence_is_that_of_all_streams_together() -> None:
    api = Api()
    async with following(api, {"streams": {"a": 0, "b": 0}}, timeout_seconds="20") as reader:
        await asyncio.sleep(15)
        await api.write("1", stream=B)
        await asyncio.sleep(19)
        assert not reader.is_over
        await reader.done()
        assert events(reader)[-1] == ("end", {"silent": True})
        assert reader.answer.times[-1] == pytest.approx(35.2, abs=0.3)


@in_virtual_time
async def test_each_silent_stream_shows_a_sign_of_life() -> None:
    api = Api()
    await api.write("1", stream=A)
    async with following(api, {"streams": {"a": 1, "b": 0}}) as reader:
        await asyncio.sleep(PING_SECONDS)
        told = {item["key"]: item["tail"] for event, item in events(reader) if event == "ping"}
        assert told == {"a": 1, "b": 0}


@in_virtual_time
async def test_a_host_without_time_breaks_off() -> None:
    api = Api(Host(time_left=lambda: 5.0))
    async with following(api, {"streams": {"a": 0}, "all": True}) as reader:
        await reader.done()
        assert events(reader)[-1] == ("error", "go on behind the last event")
        assert not reader.answer.complete


@in_virtual_time
async def test_a_server_that_stops_breaks_off_and_answers_polls() -> None:
    stop = Stop()
    api = Api(Host(stopping=stop))
    async with following(api, {"all": True}) as reader:
        polling = asyncio.create_task(poll(api, {"all": True}, ""))
        await asyncio.sleep(1)
        stop.set()
        await reader.done()
        assert events(reader)[-1][0] == "error"
        assert (await polling).json() == nothing(over=False)


@in_virtual_time
async def test_a_burst_of_one_stream_does_not_starve_the_others() -> None:
    """While it is sent, what comes in another stream is the next or the one after."""
    api = Api()
    for _ in range(40):
        await api.write('"' + "x" * EVENT_BYTES + '"', stream=A)
    request = api.begin("POST", FOLLOW, {**AUTH, **EVENTS})
    request.answer.flowing.clear()
    request.send(b'{"streams": {"a": 0, "b": 0}}', more=False)
    await asyncio.sleep(0.2)
    await api.write("1", stream=B)
    await asyncio.sleep(0.2)
    request.answer.flowing.set()
    while len(pages(request)) < 41:
        await asyncio.sleep(0.1)
    assert [key for key, *_ in pages(request)].index("b") < 6
    request.go_away()
    await request.done()


@in_virtual_time
async def test_a_poll_waits_for_the_first_of_all_streams() -> None:
    api = Api()
    began = asyncio.get_running_loop().time()
    polling = asyncio.create_task(poll(api, {"streams": {"a": 0, "b": 0}}, ""))
    await asyncio.sleep(7)
    await api.write("1", stream=B)
    answer = await polling
    assert [shown(item) for item in answer.json()["streams"]] == [("b", [1], None)]
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert asyncio.get_running_loop().time() - began < 7.5
    assert (await poll(api, {"streams": {"a": 0}}, "")).json() == nothing(over=False)
    assert asyncio.get_running_loop().time() - began > WAIT_SECONDS


@pytest.mark.parametrize(
    ("begun", "found"), [(2.62, 0.78), (1.06, 3.66), (1.74, 3.52), (2.02, 2.38), (3.52, 2.38)]
)
@in_virtual_time
async def test_a_poll_ends_when_its_time_is_up_whatever_is_left_of_it_in_floats(
    begun: float, found: float
) -> None:
    """When it waits anew, as an empty stream has come, the sum may be a little less than before."""
    api = Api()
    await asyncio.sleep(begun)
    polling = asyncio.create_task(poll(api, {"all": True}, ""))
    await asyncio.sleep(found)
    await api.log.create(StreamId("run_1", "empty"))
    assert (await polling).json()["streams"] == []


@in_virtual_time
async def test_a_poll_of_all_waits_for_streams_that_come() -> None:
    api = Api()
    await api.write("1", stream=A)
    polling = asyncio.create_task(poll(api, {"all": True, "streams": {"a": 1}}, ""))
    await asyncio.sleep(3)
    await api.write("2", stream=B)
    assert [shown(item) for item in (await polling).json()["streams"]] == [("b", [2], None)]


@in_virtual_time
async def test_a_poll_says_when_nothing_more_will_come() -> None:
    api = Api()
    await api.write("1", stream=A)
    await api.log.close(A, Closed("completed"))
    assert (await poll(api, {"streams": {"a": 0}})).json()["over"] is True
    assert (await poll(api, {"all": True})).json()["over"] is False
    await api.log.complete_run("run_1")
    answer = (await poll(api, {"all": True}, "")).json()
    assert (shown(answer["streams"][0]), answer["over"]) == (("a", [1], "completed"), True)
    assert (await poll(api, {"all": True, "streams": {"a": None}}, "")).json()["over"] is True


@in_virtual_time
async def test_a_poll_takes_up_to_its_limit_and_serves_in_the_order_of_the_body() -> None:
    api = Api()
    large = '"' + "x" * 1_000_000 + '"'
    for stream in (A, B, C):
        await api.write("1", "2", stream=stream)
    answer = (await poll(api, {"streams": {"a": 0, "b": 0}}, "?limit=1")).json()
    assert [shown(item)[1] for item in answer["streams"]] == [[1], [1]]
    for stream in (A, B, C):
        await api.write(large, stream=stream)
    for order in ("abc", "cab"):
        answer = (await poll(api, {"streams": dict.fromkeys(order, 2)})).json()
        assert [item["key"] for item in answer["streams"]] == [order[0]]


@in_virtual_time
async def test_a_token_sees_only_its_streams() -> None:
    api = Api()
    await api.write("1", stream=A)
    of_a, of_run = token("read:streams:run_1/a"), token("read:runs:run_1")
    assert (await poll(api, {"streams": {"a": 0}}, auth=of_a)).status == 200
    for refused in (
        {"streams": {"a": 0, "b": 0}},
        {"all": True},
        {"all": True, "streams": {"a": 0}},
    ):
        for headers in ({}, EVENTS):
            answer = await poll(api, refused, auth=of_a, headers=headers)
            assert (answer.status, answer.error["code"]) == (403, "unauthorized")
    assert (await poll(api, {"all": True}, auth=of_run)).status == 200
    assert (await poll(api, {"all": True}, auth=token("write:runs:run_1"))).status == 403
    assert (await poll(api, {"all": True}, auth={})).status == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "invalid_request"),
        ("[]", "invalid_request"),
        ("[" * 100_000, "invalid_request"),
        ("{}", "invalid_request"),
        ('{"streams": {}}', "invalid_request"),
        ('{"streams": {"a": null}}', "invalid_request"),
        ('{"streams": ["a"]}', "invalid_request"),
        ('{"all": 1}', "invalid_request"),
        ('{"all": true, "more": 1}', "invalid_request"),
        ('{"streams": {"a": -1}}', "invalid_index"),
        ('{"streams": {"a": 1.5}}', "invalid_index"),
        ('{"streams": {"a": true}}', "invalid_index"),
        ('{"streams": {"a": "tail"}}', "invalid_index"),
        ('{"streams": {"a": 9007199254740992}}', "invalid_index"),
        ('{"streams": {"a/b": 0}}', "invalid_name"),
        (many(FOLLOWED_STREAMS + 1, 0), "invalid_request"),
        (many(FOLLOWED_NAMES + 1, None), "invalid_request"),
        ('{"all": true}' + " " * FOLLOW_BODY_BYTES, "body_too_large"),
    ],
)
@pytest.mark.parametrize("headers", [{}, EVENTS])
@in_virtual_time
async def test_what_cannot_be_understood_is_refused(
    headers: dict[str, str], body: str, code: str
) -> None:
    answer = await Api().ask("POST", FOLLOW, body, headers)
    assert (answer.status, answer.error["code"]) == (413 if code == "body_too_large" else 400, code)


@in_virtual_time
async def test_where_answers_come_whole_an_event_stream_is_refused_and_a_poll_ends_in_time() -> (
    None
):
    api = Api(Host(sse=False, streaming_url="https://stream.example", time_left=lambda: 3.0))
    answer = await poll(api, {"all": True}, headers=EVENTS)
    assert (answer.status, answer.error["url"]) == (422, "https://stream.example")
    began = asyncio.get_running_loop().time()
    assert (await poll(api, {"all": True}, "")).json()["streams"] == []
    assert asyncio.get_running_loop().time() - began < 3.2


@in_virtual_time
async def test_a_page_of_another_origin_may_ask() -> None:
    asked = {"origin": "https://app.example", "access-control-request-headers": "authorization"}
    preflight = await Api().ask("OPTIONS", FOLLOW, headers=asked, auth={})
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-headers"] == "authorization"
    async with following(Api(), {"all": True}, origin="https://app.example") as reader:
        assert reader.answer.headers["access-control-allow-origin"] == "https://app.example"


@in_virtual_time
async def test_other_methods_are_refused_with_the_one_there_is() -> None:
    answer = await Api().ask("GET", FOLLOW)
    assert (answer.status, answer.error["allow"]) == (405, "POST")


@in_virtual_time
async def test_a_reader_comes_back_after_all_the_streams_that_a_run_may_open() -> None:
    """It names each that it has read to its end, however long the keys are."""
    names = {f"{n:05}".ljust(KEY_BYTES, "k"): None for n in range(Limits().run_streams)}
    api = Api()
    await api.write("1", stream=A)
    body = json.dumps({"all": True, "streams": names})
    answer = await api.ask("POST", FOLLOW, body)
    assert answer.status == 200
    assert [each["key"] for each in answer.json()["streams"]] == ["a"]
