"""Chunks for `useChat`, out of events of OpenAI's and Anthropic's packages."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from runstreams import Client
from runstreams.ai import ui_message_chunks
from runstreams.errors import InvalidSource
from tests.ai.asking import APIS, QUESTION, Api, bedrock
from tests.ai.model_server import Model
from tests.react.building import need_packages
from tests.tools import ROOT

Chunks = list[dict[str, Any]]

CALLED = [
    {"type": "start-step"},
    {"type": "text-start"},
    {"type": "text-delta", "delta": "I will "},
    {"type": "text-delta", "delta": "look."},
    {"type": "text-end"},
    {"type": "tool-input-start", "toolName": "weather"},
    {"type": "tool-input-delta", "inputTextDelta": '{"ci'},
    {"type": "tool-input-delta", "inputTextDelta": 'ty": "Kö'},
    {"type": "tool-input-delta", "inputTextDelta": 'ln"}'},
    {"type": "tool-input-available", "toolName": "weather", "input": {"city": "Köln"}},
    {"type": "finish-step"},
    {"type": "finish", "finishReason": "tool-calls"},
]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest, model: Model) -> Api:
    return APIS[request.param]


def chunks_of(events: Iterable[Any], **more: Any) -> Chunks:
    return list(ui_message_chunks(list(events), **more))


def nameless(chunks: Chunks) -> Chunks:
    """Return chunks without the names that each API gives its parts."""
    return [
        {key: value for key, value in chunk.items() if key not in ("id", "toolCallId")}
        for chunk in chunks
    ]


def text_of(chunks: Chunks, kind: str = "text") -> list[str]:
    return [chunk["delta"] for chunk in chunks if chunk["type"] == f"{kind}-delta"]


def types(chunks: Chunks) -> list[str]:
    """Return the types of chunks, those that follow each other once."""
    found = [chunk["type"] for chunk in chunks]
    return [each for at, each in enumerate(found) if found[at - 1 : at] != [each]]


def test_an_answer_is_the_same_message_by_every_api(api: Api) -> None:
    first, *rest = chunks_of(api.events("tool"))
    assert first["type"] == "start"
    assert first["messageId"]
    assert nameless(rest) == CALLED


def test_what_is_thought_comes_before_what_is_said(api: Api) -> None:
    chunks = chunks_of(api.events("reasoning"))
    parts = [
        f"{kind}-{state}" for kind in ("reasoning", "text") for state in ("start", "delta", "end")
    ]
    assert types(chunks) == ["start", "start-step", *parts, "finish-step", "finish"]
    assert text_of(chunks, "reasoning") == ["Let me ", "think."]


def test_a_character_that_is_cut_between_two_deltas_is_whole(api: Api) -> None:
    assert text_of(chunks_of(api.events("halves"))) == ["ok ", "👍 bye"]


@pytest.mark.usefixtures("model")
def test_bedrocks_events_give_the_same_message() -> None:
    started, *rest = chunks_of(bedrock("tool"))
    assert (started, nameless(rest)) == ({"type": "start"}, CALLED)
    thought = chunks_of(bedrock("reasoning"), message_id="message_1")
    assert thought[0] == {"type": "start", "messageId": "message_1"}
    assert text_of(thought, "reasoning") == ["Let me ", "think."]
    assert text_of(chunks_of(bedrock("halves"))) == ["ok ", "👍 bye"]


@pytest.mark.usefixtures("model")
def test_blocks_without_numbers_come_one_after_another() -> None:
    """As most models of Strands tell them."""
    events = [*bedrock("tool"), *bedrock("reasoning")]
    for event in events:
        for block in event.values():
            block.pop("contentBlockIndex", None)
    chunks = chunks_of({"event": event} for event in events)
    assert nameless(chunks[1 : len(CALLED)]) == CALLED[:-1]
    assert text_of(chunks, "reasoning") == ["Let me ", "think."]
    assert "".join(text_of(chunks)) == "I will look.To be, or Fuß 👍🏽!"


async def test_events_of_async_clients_give_the_same(api: Api) -> None:
    chunks = [chunk async for chunk in ui_message_chunks(api.async_events("tool"))]
    assert chunks == chunks_of(api.events("tool"))


def test_what_was_stored_gives_the_same(runstreams_client: Client, api: Api) -> None:
    with runstreams_client.streams.run("kept"):
        runstreams_client.streams.pipe("answer", api.events("tool"))
    kept = runstreams_client.streams.read("kept", "answer", timeout=0)
    assert chunks_of(kept) == chunks_of(api.events("tool"))


@pytest.mark.parametrize("name", ["completions", "messages"])
def test_an_error_in_the_middle_is_told_and_raised(model: Model, name: str) -> None:
    chunks: Chunks = []
    with pytest.raises(Exception, match="Overloaded"):
        chunks.extend(ui_message_chunks(APIS[name].events("breaks")))
    assert text_of(chunks)[-1] == "!"
    assert chunks[-1]["type"] == "error"
    assert "Overloaded" in chunks[-1]["errorText"]


def test_an_error_that_is_an_event_is_told(model: Model) -> None:
    *_, error, _, last = chunks_of(APIS["responses"].events("breaks"))
    assert error == {"type": "error", "errorText": "Overloaded"}
    assert last == {"type": "finish", "finishReason": "error"}


def test_what_the_clients_tell_beside_the_events_is_left_out(model: Model) -> None:
    """Their helpers give snapshots and the like among the events."""
    import anthropic

    with anthropic.Anthropic(max_retries=0) as client:
        asked = {"model": "tool", "messages": QUESTION, "max_tokens": 100}
        stream = client.messages.stream(**asked)  # type: ignore[arg-type]
        chunks = list(ui_message_chunks(stream))  # a context, which is entered
    assert chunks == chunks_of(APIS["messages"].events("tool"))


def test_answers_of_an_agents_loop_are_steps_of_one_message(api: Api) -> None:
    def loop() -> Iterable[Any]:
        yield from api.events("tool")
        yield {"type": "tool-output-available", "toolCallId": "call_1", "output": "warm"}
        yield from api.events("text")

    chunks = chunks_of(loop(), message_id="message_1")
    assert chunks[0] == {"type": "start", "messageId": "message_1"}
    assert [kind for kind in types(chunks) if "-step" in kind or "output" in kind] == [
        *("start-step", "finish-step", "tool-output-available"),
        *("start-step", "finish-step"),
    ]
    ids = [chunk["id"] for chunk in chunks if chunk["type"] == "text-start"]
    assert len(set(ids)) == 2


def messages_call(**block: Any) -> Chunks:
    """Return events of Anthropic's that begin the call of a tool."""
    called = {"type": "tool_use", "id": "tool_1", "name": "weather", "input": {}, **block}
    return [
        {"type": "message_start", "message": {"id": "msg_1"}},
        {"type": "content_block_start", "index": 0, "content_block": called},
    ]


def responses_call(**item: Any) -> Chunks:
    """Return events of OpenAI's Responses that begin the call of a tool."""
    called = {"id": "item_1", "type": "function_call", "call_id": "tool_1", "name": "weather"}
    return [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "item": {**called, "arguments": "", **item}},
    ]


def completion(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl_1", "object": "chat.completion.chunk", "choices": [choice]}


def tool_call(call_id: str, arguments: str, index: int = 0) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    return completion({"tool_calls": [{"index": index, "id": call_id, "function": function}]})


def inputs(events: Iterable[Any]) -> list[tuple[str, Any]]:
    """Return what is said of the inputs of tools when they have ended."""
    told = ("tool-input-available", "tool-input-error")
    chunks = [chunk for chunk in chunks_of(events) if chunk["type"] in told]
    return [(chunk["type"].removeprefix("tool-input-"), chunk["input"]) for chunk in chunks]


MESSAGES_STOP = {"type": "content_block_stop", "index": 0}


def messages_end(reason: str) -> Chunks:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return [MESSAGES_STOP, delta, {"type": "message_stop"}]


def converse_call(reason: str) -> Chunks:
    """Return events of a model of Strands that calls a tool with nothing."""
    start = {"toolUse": {"toolUseId": "tool_1", "name": "weather"}}
    return [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockStart": {"start": start}},
        {"contentBlockStop": {}},
        {"messageStop": {"stopReason": reason}},
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [("", ("available", {})), ('{"city": ', ("error", '{"city": '))],
)
def test_a_tools_input_may_be_nothing_or_broken(text: str, told: tuple[str, Any]) -> None:
    delta = {"type": "input_json_delta", "partial_json": text}
    piece = {"type": "content_block_delta", "index": 0, "delta": delta}
    assert inputs([*messages_call(), piece, *messages_end("tool_use")]) == [told]
    assert inputs([tool_call("tool_1", text), completion({}, "tool_calls")]) == [told]


def test_a_tool_may_be_called_with_nothing_before_the_answer_goes_on() -> None:
    called = converse_call("tool_use")
    assert inputs(called) == [("available", {})]
    text = {"contentBlockDelta": {"delta": {"text": "Now "}}}
    *_, call, begun, said, _, _, _ = chunks_of(
        [*called[:3], text, *converse_call("max_tokens")[3:]]
    )
    assert (call["type"], call["input"]) == ("tool-input-available", {})
    assert (begun["type"], said["delta"]) == ("text-start", "Now ")


INCOMPLETE = {"incomplete_details": {"reason": "max_output_tokens"}}


@pytest.mark.parametrize(
    "events",
    [
        messages_call(),
        [*messages_call(), *messages_end("max_tokens")],
        converse_call("max_tokens"),
        [*messages_call(), {"type": "error", "error": {"message": "Overloaded"}}],
        [*responses_call(), {"type": "response.incomplete", "response": INCOMPLETE}],
        [
            *responses_call(),
            {
                "type": "response.output_item.done",
                "item": {"id": "item_1", "status": "incomplete", "arguments": ""},
            },
        ],
        [tool_call("tool_1", ""), completion({}, "length")],
    ],
)
def test_a_call_that_is_cut_off_before_its_input_is_no_call(events: Chunks) -> None:
    """A page would run its own tool with nothing."""
    assert inputs(events) == [("error", "")]


CITY = '{"city": "Köln"}'


@pytest.mark.parametrize(
    "events",
    [
        [*messages_call(input=json.loads(CITY)), MESSAGES_STOP],
        [
            *responses_call(),
            {"type": "response.output_item.done", "item": {"id": "item_1", "arguments": CITY}},
        ],
        [
            *responses_call(),
            {
                "type": "response.function_call_arguments.done",
                "item_id": "item_1",
                "arguments": CITY,
            },
        ],
    ],
)
def test_a_tools_input_may_come_whole(events: Chunks) -> None:
    assert inputs(events) == [("available", json.loads(CITY))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"x": NaN}', "error"),
        ('{"x": 1e999}', "error"),
        ("[" * 256 + "]" * 256, "error"),
        ("[" * 200_000, "error"),
        ("[\n" * 255 + "]" * 255, "available"),  # in a chunk, which is as deep as one may be
    ],
)
def test_an_input_that_no_chunk_can_have_fails_its_call_alone(
    runstreams_client: Client, text: str, told: str
) -> None:
    chunks = ui_message_chunks([tool_call("tool_1", text), completion({}, "tool_calls")])
    run = f"run of {len(text)} letters"
    runstreams_client.streams.pipe("ui", chunks, target=run).wait_until_complete()
    *_, call, _, _ = runstreams_client.streams.read(run, "ui", timeout=0)
    assert call["type"] == f"tool-input-{told}"


def test_calls_that_are_not_counted_are_told_apart_by_their_ids() -> None:
    """Some that speak Chat Completions give every call the same index."""
    calls = [tool_call("tool_1", '{"ci'), tool_call("tool_1", 'ty": 1}'), tool_call("tool_2", "2")]
    assert inputs([*calls, completion({}, "stop")]) == [
        ("available", {"city": 1}),
        ("available", 2),
    ]


def test_a_tools_input_may_be_text() -> None:
    """OpenAI's custom tools take anything, not JSON."""
    item = {"type": "custom_tool_call", "call_id": "tool_1", "name": "code", "id": "item_1"}
    piece = {"type": "response.custom_tool_call_input.delta", "item_id": "item_1", "delta": "1 +"}
    called = [*responses_call(**item), piece]
    done = {"type": "response.output_item.done", "item": item}
    assert inputs([*called, done]) == [("available", "1 +")]
    assert inputs(called) == [("error", "1 +")]


@pytest.mark.parametrize("kind", ["server_tool_use", "mcp_tool_use"])
def test_what_the_providers_own_tool_finds_is_told_after_its_call(kind: str) -> None:
    block = {"type": f"{kind.split('_')[0]}_tool_result", "tool_use_id": "tool_1", "content": "x"}
    result = {"type": "content_block_start", "index": 1, "content_block": block}
    chunks = chunks_of([*messages_call(type=kind), MESSAGES_STOP, result])
    tools = [chunk for chunk in chunks if chunk["type"].startswith("tool-")]
    assert types(tools) == ["tool-input-start", "tool-input-available", "tool-output-available"]
    assert all(chunk["providerExecuted"] for chunk in tools)
    assert chunks_of([result]) == []


async def test_a_source_that_has_no_events_is_refused() -> None:
    async def words() -> AsyncIterator[str]:
        yield "To"

    with pytest.raises(InvalidSource, match="not str"):
        chunks_of(["To", " be"])
    with pytest.raises(InvalidSource, match="not str"):
        _ = [chunk async for chunk in ui_message_chunks(words())]
    with pytest.raises(InvalidSource, match="wrap it"):
        ui_message_chunks("To be")


@pytest.mark.needs("node")
def test_the_ai_sdk_takes_the_chunks_and_makes_the_message_of_them(api: Api) -> None:
    """By its own schema, which takes nothing that it does not know."""
    need_packages(ROOT / "tests" / "clients")
    lines = "".join(
        json.dumps(chunk_list) + "\n"
        for chunk_list in (chunks_of(api.events(answer)) for answer in ("reasoning", "tool"))
    )
    script = Path(__file__).with_name("ui_messages.mjs")
    said = subprocess.check_output(["node", script], input=lines, text=True, timeout=60)
    thought, called = map(json.loads, said.splitlines())
    assert [part["type"] for part in thought["parts"]] == ["step-start", "reasoning", "text"]
    assert thought["parts"][2]["text"] == "To be, or Fuß 👍🏽!"
    *_, call = called["parts"]
    assert (call["type"], call["state"]) == ("tool-weather", "input-available")
    assert call["input"] == {"city": "Köln"}


def test_nothing_is_made_of_nothing() -> None:
    assert chunks_of([{"type": "ping"}, {"type": "of.a.later.version"}]) == []
