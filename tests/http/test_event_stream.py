"""Reading as server-sent events: the published reader's side of R5."""

import asyncio
import json
from typing import Any, NoReturn

import pytest

from runstreams.core.errors import ObjectMissing
from runstreams.core.limits import (
    DAY_MS,
    EVENT_BYTES,
    PING_SECONDS,
    SILENCE_SECONDS,
    SILENCE_SECONDS_MAX,
    Limits,
)
from runstreams.http import Host, Stop
from tests.http.asgi import AUTH, OUT, READ, Api, Request, in_virtual_time
from tests.virtual_time import START_MS

DONE = b"data: [DONE]\n\n"
BROKEN_OFF = b"event: error\ndata: go on behind the last event\n\n"


def events(body: bytes) -> list[tuple[str, Any]]:
    """Return the events of *body*, as (event, data)."""
    found = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        event = fields.get("event", "message")
        found.append((event, data if event in ("message", "error") else json.loads(data)))
    return found


def records(request: Request) -> list[tuple[int, Any]]:
    """Return index and value of every record so far, decoded as the published reader does it."""
    if not request.answer.body:
        return []
    return [
        (record["seq_num"], json.loads(record["body"])["data"])
        for event, data in events(request.answer.body)
        if event == "batch"
        for record in data["records"]
    ]


async def moment() -> None:
    await asyncio.sleep(0.2)


@in_virtual_time
async def test_the_headers_are_what_the_published_readers_need() -> None:
    async with Api().following(origin="https://app.example") as reader:
        await moment()
        answer = reader.answer
    assert answer.status == 200
    assert {name: answer.headers[name] for name in answer.headers if name != "x-request-id"} == {
        "content-type": "text/event-stream",
        "x-stream-version": "v2",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
        "access-control-allow-origin": "https://app.example",
        "access-control-expose-headers": "*",
        "vary": "Origin",
    }


@in_virtual_time
async def test_the_bytes_of_an_event() -> None:
    api = Api()
    await api.write('{"a":\t"q\\"\\\\é"}', "2")
    generation = (await api.log.head(OUT)).generation
    async with api.following() as reader:
        await moment()
        assert reader.answer.body.decode() == (
            "event: batch\n"
            "id: 1\n"
            'data: {"records":['
            f'{{"seq_num":0,"timestamp":{START_MS},'
            '"body":"{\\"data\\":{\\"a\\":\\t\\"q\\\\\\"\\\\\\\\é\\"},'
            f'\\"id\\":\\"{generation}-0\\"}}"}},'
            f'{{"seq_num":1,"timestamp":{START_MS},'
            f'"body":"{{\\"data\\":2,\\"id\\":\\"{generation}-1\\"}}"}}'
            f'],"tail":{{"seq_num":2,"timestamp":{START_MS}}}}}\n\n'
        )
        assert records(reader) == [(0, {"a": 'q"\\é'}), (1, 2)]


@in_virtual_time
async def test_a_reader_gets_what_there_is_and_then_what_comes() -> None:
    api = Api()
    await api.write("0", "1")
    async with api.following() as reader:
        await moment()
        assert records(reader) == [(0, 0), (1, 1)]
        await api.write("2")
        await asyncio.sleep(0)
        await moment()
        assert records(reader) == [(0, 0), (1, 1), (2, 2)]
        assert not reader.is_over


@in_virtual_time
async def test_a_stream_never_written_is_waited_for() -> None:
    api = Api()
    async with api.following() as reader:
        await asyncio.sleep(5)
        assert reader.answer.status == 200
        await api.write('"first"')
        await moment()
        assert records(reader) == [(0, "first")]


@pytest.mark.parametrize("turns", range(12))
@in_virtual_time
async def test_what_comes_while_a_reader_is_being_sent_something_is_not_left_to_the_next_poll(
    turns: int,
) -> None:
    api = Api()
    async with api.following() as reader:
        await moment()
        began = asyncio.get_running_loop().time()
        await api.write("0")
        for _ in range(turns):
            await asyncio.sleep(0)
        await api.write("1")
        for _ in range(20):
            await asyncio.sleep(0)
        assert records(reader) == [(0, 0), (1, 1)]
        assert asyncio.get_running_loop().time() == began


@pytest.mark.parametrize(
    ("last_event_id", "first"),
    [
        ("0", 1),
        ("2", 3),
        ("2-0", 3),
        ("2,3,100", 3),
        (" 2", 3),
        ("", 0),
        ("x", 0),
        ("-1", 0),
        ("1700000000000-0", 6),
        ("9" * 30, 6),
    ],
)
@in_virtual_time
async def test_reading_goes_on_strictly_after_the_last_event(
    last_event_id: str, first: int
) -> None:
    """What cannot be understood means the oldest chunk, and what is beyond the tail the tail."""
    api = Api()
    await api.write(*(str(n) for n in range(6)))
    async with api.following(last_event_id=last_event_id) as reader:
        await moment()
        assert [index for index, _ in records(reader)] == list(range(first, 6))
        await api.write("6")
        await moment()
        assert [index for index, _ in records(reader)] == list(range(first, 7))


@in_virtual_time
async def test_a_reader_may_begin_with_what_comes_next() -> None:
    api = Api()
    await api.write("0", "1")
    async with api.following(x_trigger_stream_start="latest") as reader:
        await moment()
        await api.write("2")
        await moment()
        assert records(reader) == [(2, 2)]


@in_virtual_time
async def test_the_last_event_outranks_the_wish_for_the_latest() -> None:
    api = Api()
    await api.write("0", "1", "2")
    async with api.following(x_trigger_stream_start="latest", last_event_id="0") as reader:
        await moment()
        assert records(reader) == [(1, 1), (2, 2)]


@in_virtual_time
async def test_what_has_expired_is_passed_over_since_410_is_final_for_the_published_readers() -> (
    None
):
    api = Api(limits=Limits(retention_ms=DAY_MS))
    await api.write("0", "1")
    await asyncio.sleep(DAY_MS / 1000 - 1)
    await api.write("2")
    await asyncio.sleep(2)
    for last in ({}, {"last_event_id": "0"}):
        async with api.following(**last) as reader:
            await moment()
            assert reader.answer.status == 200
            assert records(reader) == [(2, 2)]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (None, SILENCE_SECONDS),
        ("5", 5),
        ("1", 1),
        ("600", SILENCE_SECONDS_MAX),
        ("0", SILENCE_SECONDS),
        ("soon", SILENCE_SECONDS),
        ("", SILENCE_SECONDS),
        ("2.9", 2),
    ],
)
@in_virtual_time
async def test_silence_ends_the_stream_cleanly(timeout: str | None, seconds: int) -> None:
    api = Api()
    await api.write("0")
    headers = {} if timeout is None else {"timeout_seconds": timeout}
    async with api.following(**headers) as reader:
        answer = await reader.done()
    assert answer.complete
    assert answer.body.endswith(DONE)
    assert answer.times[-1] == pytest.approx(seconds)


@in_virtual_time
async def test_only_chunks_break_the_silence_and_pings_do_not() -> None:
    api = Api()
    async with api.following(timeout_seconds="25") as reader:
        await asyncio.sleep(19)
        await api.write("0")
        answer = await reader.done()
    assert answer.times[-1] == pytest.approx(19 + 25)
    assert [event for event, _ in events(answer.body)] == [
        "ping",
        "batch",
        "ping",
        "ping",
        "message",
    ]


@in_virtual_time
async def test_a_silent_stream_shows_that_it_lives() -> None:
    api = Api()
    await api.write("0")
    async with api.following() as reader:
        await asyncio.sleep(PING_SECONDS * 2 + 1)
        assert events(reader.answer.body)[1:] == [
            (
                "ping",
                {
                    "timestamp": START_MS + PING_SECONDS * 1000 * turn,
                    "tail": {"seq_num": 1, "timestamp": START_MS},
                    "leased_until": None,
                },
            )
            for turn in (1, 2)
        ]


@pytest.mark.parametrize(
    ("timeout", "message"),
    [
        ("-1", "Timeout seconds must be greater than 0"),
        ("601", "Timeout seconds must be less than 600"),
        ("99999999999999", "Timeout seconds must be less than 600"),
    ],
)
@in_virtual_time
async def test_a_silence_out_of_range_is_refused_in_the_published_words(
    timeout: str, message: str
) -> None:
    headers = {"accept": "text/event-stream", "timeout-seconds": timeout}
    answer = await Api().ask("GET", READ, headers=headers)
    assert answer.status == 400
    assert answer.error == {"code": "invalid_index", "message": message}


@in_virtual_time
async def test_the_end_of_a_closed_stream_ends_its_readers_at_once() -> None:
    api = Api()
    await api.write("0")
    async with api.following() as early:
        await asyncio.sleep(1)
        await api.ask("POST", READ + "/close")
        answer = await early.done()
        assert answer.complete
        assert answer.times[-1] == pytest.approx(1)
        assert answer.body.endswith(DONE)
    async with api.following() as late:
        answer = await late.done()
        assert records(late) == [(0, 0)]
        assert [event for event, _ in events(answer.body)] == ["batch", "message"]
        assert answer.times[-1] == pytest.approx(1)


@in_virtual_time
async def test_a_stop_of_the_process_breaks_the_stream_rather_than_end_it() -> None:
    stop = Stop()
    api = Api(Host(stopping=stop))
    await api.write("0")
    async with api.following() as reader:
        await asyncio.sleep(1)
        stop.set()
        answer = await reader.done()
        assert not answer.complete
        assert answer.body.endswith(BROKEN_OFF)
        assert DONE not in answer.body


@in_virtual_time
async def test_a_deadline_of_the_host_breaks_the_stream_rather_than_end_it() -> None:
    api = Api(Host(time_left=lambda: 30.0))
    async with api.following() as reader:
        answer = await reader.done()
        assert not answer.complete
        assert answer.body.endswith(BROKEN_OFF)
        assert DONE not in answer.body
        assert asyncio.get_running_loop().time() == pytest.approx(30)


@in_virtual_time
async def test_a_reader_that_takes_nothing_in_holds_up_no_stop_of_the_process() -> None:
    stop = Stop()
    api = Api(Host(stopping=stop))
    async with api.following() as reader:
        await moment()
        reader.answer.flowing.clear()
        stop.set()
        answer = await reader.done()
        assert not answer.body


async def missing(*where: object) -> NoReturn:
    raise ObjectMissing("batch is gone")


@in_virtual_time
async def test_an_error_within_breaks_the_stream_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api()
    await api.write("0")
    async with api.following() as reader:
        await moment()
        api.store.batches.get = missing  # type: ignore[method-assign]
        await api.write("1")
        answer = await reader.done()
        assert not answer.complete
        assert answer.body.endswith(BROKEN_OFF)
        assert records(reader) == [(0, 0)]
    assert answer.headers["x-request-id"] in caplog.text


@in_virtual_time
async def test_a_reader_that_goes_away_ends_its_request_at_once() -> None:
    api = Api()
    async with api.following() as reader:
        await asyncio.sleep(1)
        reader.go_away()
        await reader.done()
        assert asyncio.get_running_loop().time() == pytest.approx(1)
    assert not api.log._watches._watches


@in_virtual_time
async def test_a_stream_deleted_and_begun_anew_goes_on_from_its_beginning() -> None:
    api = Api()
    await api.write("0", "1")
    async with api.following() as reader:
        await moment()
        await api.ask("DELETE", "/api/v1/runs/run_1/streams/out")
        await moment()
        await api.write('"a"', '"b"', '"c"')
        await moment()
        assert records(reader) == [(0, 0), (1, 1), (0, "a"), (1, "b"), (2, "c")]


@in_virtual_time
async def test_a_stream_deleted_under_a_slow_reader_goes_on_from_its_new_beginning() -> None:
    api = Api()
    large = '"' + "x" * (EVENT_BYTES // 2) + '"'
    for _ in range(4):
        await api.write(large)
    async with api.following() as reader:
        reader.answer.flowing.clear()
        await moment()
        await api.log.delete(OUT)
        await api.write('"a"')
        reader.answer.flowing.set()
        await moment()
        indexes = [index for index, _ in records(reader)]
        assert indexes[-1] == 0
        assert indexes[:-1] == list(range(len(indexes) - 1))
        assert records(reader)[-1] == (0, "a")


@in_virtual_time
async def test_a_slow_reader_misses_nothing_while_the_stream_is_sealed_under_it() -> None:
    api = Api()
    large = '"' + "x" * (EVENT_BYTES // 2) + '"'
    for _ in range(10):
        await api.write(large)
    async with api.following() as reader:
        reader.answer.flowing.clear()
        await moment()
        for _ in range(30):
            await api.write("1")
        reader.answer.flowing.set()
        await moment()
        assert [index for index, _ in records(reader)] == list(range(40))


@in_virtual_time
async def test_a_slow_reader_that_goes_away_is_not_sent_the_rest() -> None:
    api = Api()
    for _ in range(100):
        await api.write('"' + "x" * EVENT_BYTES + '"')
    async with api.following() as reader:
        reader.answer.flowing.clear()
        await moment()
        reader.go_away()
        reader.answer.flowing.set()
        await reader.done()
        assert len(records(reader)) < 5


@in_virtual_time
async def test_events_stay_small_however_much_there_is() -> None:
    api = Api()
    text = '"' + "x" * 65_534 + '"'
    for _ in range(20):
        await api.write(text)
    async with api.following() as reader:
        await moment()
        assert [index for index, _ in records(reader)] == list(range(20))
        assert max(map(len, reader.answer.pieces)) <= EVENT_BYTES * 1.1


@in_virtual_time
async def test_where_answers_come_whole_an_event_stream_is_refused_for_good() -> None:
    """With a status that the published readers do not retry, and the place to go instead."""
    api = Api(Host(sse=False, streaming_url="https://stream.example"))
    answer = await api.ask("GET", READ, headers={"accept": "text/event-stream"})
    assert answer.status == 422
    assert answer.error == {
        "code": "no_event_stream",
        "message": "Event streams are not served here; ask for application/json",
        "url": "https://stream.example",
    }


@in_virtual_time
async def test_an_event_stream_is_what_it_takes_whatever_else_is_accepted() -> None:
    api = Api()
    await api.ask("POST", READ + "/close")
    for accept in ("TEXT/Event-Stream", "application/json, text/event-stream;q=0.5"):
        answer = await api.ask("GET", READ, headers={"accept": accept, **AUTH})
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.body == DONE
