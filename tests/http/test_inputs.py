"""Input streams, R6 and R7 of the wire document: what is sent into a run."""

import asyncio
import json

import pytest

from runstreams.core.limits import CHUNK_BYTES
from runstreams.http.trigger import INPUT_BODY_BYTES
from tests.http.asgi import RUN, STREAM, Api, in_virtual_time, token

INPUT = f"{RUN}/input/approval"


def sent(data: object) -> str:
    return json.dumps({"data": data})


@in_virtual_time
async def test_what_is_sent_is_a_chunk_of_json_in_a_string() -> None:
    """The published reader parses it once more."""
    api = Api()
    answer = await api.ask("POST", INPUT, sent({"ok": "žlutý"}))
    assert answer.status == 200
    assert answer.json() == {"ok": True, "index": 0, "tail": 1, "stop": False}
    assert await api.chunks(INPUT) == ['{"ok":"žlutý"}']


@in_virtual_time
@pytest.mark.parametrize(
    "data", [None, 0, "text", [], {"a": [1, {"b": None}]}, 12345678901234567890]
)
async def test_any_json_value_can_be_sent(data: object) -> None:
    api = Api()
    assert (await api.ask("POST", INPUT, json.dumps({"data": data}, indent=2))).status == 200
    assert [json.loads(chunk) for chunk in await api.chunks(INPUT)] == [data]


@in_virtual_time
async def test_an_input_stream_is_not_the_stream_of_its_name() -> None:
    api = Api()
    await api.ask("POST", INPUT, sent(1))
    assert await api.chunks(f"{RUN}/approval") == []
    assert await api.chunks(f"{RUN}/$trigger.input:approval") == ["1"]


@in_virtual_time
async def test_a_resend_lands_once() -> None:
    api = Api()
    key = {"x-trigger-request-idempotency-key": "one"}
    for _ in range(2):
        assert (await api.ask("POST", INPUT, sent(1), key)).json()["index"] == 0
    assert await api.chunks(INPUT) == ["1"]


@in_virtual_time
async def test_an_input_stream_is_followed_like_any_other() -> None:
    api = Api()
    async with api.following(INPUT) as reader:
        await asyncio.sleep(1)
        await api.ask("POST", INPUT, sent({"go": True}))
        await asyncio.sleep(1)
        assert b"seq_num" in reader.answer.body


@in_virtual_time
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", "1", "null", '{"data": NaN}', '{"data": 1e999}', '{"data": "\\ud800}'],
)
async def test_a_body_without_data_is_refused(body: str) -> None:
    api = Api()
    answer = await api.ask("POST", INPUT, body)
    assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_chunk")
    assert await api.chunks(INPUT) == []


@in_virtual_time
async def test_half_of_a_character_is_sent_as_it_came() -> None:
    api = Api()
    assert (await api.ask("POST", INPUT, '{"data": "\\ud83d"}')).status == 200
    assert await api.chunks(INPUT) == [r'"\ud83d"']


@in_virtual_time
@pytest.mark.parametrize("deep", [300, 100_000])
async def test_data_that_is_nested_too_deep_is_refused(deep: int) -> None:
    answer = await Api().ask("POST", INPUT, '{"data":' + "[" * deep + "]" * deep + "}")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_chunk")


@in_virtual_time
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_the_limit_is_refused(announced: bool) -> None:
    api = Api()
    size = INPUT_BODY_BYTES + 1
    headers = {} if announced else {"content-length": "unknown"}
    answer = await api.ask("POST", INPUT, b"x" * size, headers)
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (413, "body_too_large")
    assert (error["limit"], error["size"]) == (INPUT_BODY_BYTES, size)


@in_virtual_time
async def test_data_that_is_no_chunk_once_it_is_a_string_is_refused() -> None:
    """Its quotes are escaped, so it grows."""
    answer = await Api().ask("POST", INPUT, sent([""] * (CHUNK_BYTES // 4 - 10)))
    assert (answer.status, answer.json()["error"]["code"]) == (413, "chunk_too_large")


@in_virtual_time
async def test_a_completed_run_takes_nothing_more() -> None:
    api = Api()
    await api.log.complete_run("run_1")
    answer = await api.ask("POST", INPUT, sent(1))
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "Cannot send to input stream on a completed run"


@in_virtual_time
@pytest.mark.parametrize(
    ("scope", "may_send", "may_read"),
    [
        ("write:inputStreams:run_1", True, False),
        ("write:inputStreams", True, False),
        ("write:inputStreams:run_2", False, False),
        ("write:runs:run_1", True, False),
        ("read:inputStreams:run_1", False, False),
        ("read:runs:run_1", False, True),
        ("admin", True, True),
    ],
)
async def test_sending_and_reading_need_a_scope(scope: str, may_send: bool, may_read: bool) -> None:
    api = Api()
    wait = INPUT + "?wait=0"
    allowed = {True: 200, False: 403}
    assert (await api.ask("POST", INPUT, sent(1), auth=token(scope))).status == allowed[may_send]
    assert (await api.ask("GET", wait, auth=token(scope))).status == allowed[may_read]
    assert (await api.ask("POST", INPUT, sent(1), auth={})).status == 401


@in_virtual_time
async def test_input_outranks_a_target() -> None:
    """So a stream called `input` is closed through its target only."""
    api = Api()
    await api.ask("POST", f"{RUN}/input/close", sent(1))
    assert await api.chunks(f"{RUN}/input/close") == ["1"]
    await api.ask("POST", STREAM.replace("/out", "/input") + "/close")
    answer = await api.ask("GET", f"{RUN}/input?wait=0")
    assert answer.json()["closed"]["status"] == "completed"


@in_virtual_time
@pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE", "PATCH"])
async def test_an_input_stream_takes_no_other_method(method: str) -> None:
    answer = await Api().ask(method, INPUT)
    assert answer.status in (400, 405)
