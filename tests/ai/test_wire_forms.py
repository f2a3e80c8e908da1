"""What models' packages give is piped as it is, and stored in the form of its own protocol."""

import asyncio
import json
from typing import Any

import pytest

from runstreams import Client, aio
from runstreams.ai import ui_message_chunks
from runstreams.testing import Server
from tests.ai.asking import APIS, Api, bedrock
from tests.ai.model_server import Model

SAID = "To be, or Fuß 👍🏽!"


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest, model: Model) -> Api:
    return APIS[request.param]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    return f"run of {request.node.name}"


def read(client: Client, run: str) -> list[Any]:
    return list(client.streams.read(run, "ui", timeout=0, strict=False))


@pytest.mark.parametrize("answer", ["reasoning", "tool", "halves"])
def test_events_are_stored_as_they_came_over_the_wire(
    runstreams_client: Client, api: Api, run: str, answer: str
) -> None:
    runstreams_client.streams.pipe("ui", api.events(answer), target=run).wait_until_complete()
    assert read(runstreams_client, run) == api.wire(answer)


async def test_events_of_async_clients_are_stored_so_as_well(
    runstreams_server: Server, api: Api, run: str
) -> None:
    async with runstreams_server.async_client() as client:
        await client.streams.pipe("ui", api.async_events("tool"), target=run).wait_until_complete()
        stored = [chunk async for chunk in client.streams.read(run, "ui", timeout=0)]
    assert stored == api.wire("tool")


@pytest.mark.parametrize("name", ["completions", "messages"])
def test_an_answer_that_breaks_off_fails_its_stream_after_what_came(
    runstreams_client: Client, model: Model, run: str, name: str
) -> None:
    streams, api = runstreams_client.streams, APIS[name]
    piped = streams.pipe("ui", api.events("breaks"), target=run)
    with pytest.raises(Exception, match="Overloaded"):
        piped.wait_until_complete()
    assert read(runstreams_client, run) == api.wire("breaks")[:-1]
    closed = streams.describe(run, "ui").closed
    assert closed is not None
    assert (closed.status, "Overloaded" in str(closed.error)) == ("failed", True)


@pytest.mark.parametrize("made", [lambda stream: stream, ui_message_chunks])
def test_a_stop_ends_the_request_to_the_model(
    runstreams_client: Client, api: Api, model: Model, run: str, made: Any
) -> None:
    client, stream = api.ask("endless")
    with client:
        piped = runstreams_client.streams.pipe("ui", made(stream), target=run)
        next(iter(piped.stream))
        runstreams_client.streams.stop(run, "ui")
        assert model.left.wait(60)
        piped.wait_until_complete()
    assert piped.stopped


@pytest.mark.usefixtures("runstreams_client")
async def test_a_stop_ends_the_request_of_an_async_client_as_well(
    api: Api, model: Model, run: str
) -> None:
    chunks = ui_message_chunks(api.async_events("endless"))
    piped = aio.streams.pipe("ui", chunks, target=run)
    await anext(aiter(piped.stream))
    await aio.streams.stop(run, "ui")
    await piped.wait_until_complete()
    assert piped.stopped
    assert await asyncio.to_thread(model.left.wait, 60)


def test_bedrocks_events_are_stored_with_their_bytes_in_base64(
    runstreams_client: Client, model: Model, run: str
) -> None:
    source = bedrock("reasoning")
    runstreams_client.streams.pipe("ui", source, target=run).wait_until_complete()
    first, *rest = read(runstreams_client, run)
    deltas = [event["contentBlockDelta"]["delta"] for event in rest if "contentBlockDelta" in event]
    assert first == {"messageStart": {"role": "assistant"}}
    assert "".join(delta.get("text", "") for delta in deltas) == SAID
    assert {"reasoningContent": {"redactedContent": "/wD+"}} in deltas


def test_an_error_in_the_middle_of_bedrocks_events_fails_the_stream(
    runstreams_client: Client, model: Model, run: str
) -> None:
    piped = runstreams_client.streams.pipe("ui", bedrock("breaks"), target=run)
    with pytest.raises(Exception, match="Overloaded"):
        piped.wait_until_complete()
    assert len(read(runstreams_client, run)) == 8


MODES = ["values", "updates", "messages", "custom", "tasks", "debug", "checkpoints"]


@pytest.mark.usefixtures("runstreams_client", "model")
async def test_a_graphs_updates_are_stored_in_every_mode(run: str) -> None:
    """LangGraph gives a tuple of mode and data, where it was asked for several modes."""
    from openai import DefaultAsyncHttpxClient

    from tests.ai.graph import ASKED, THREAD, graph

    async with DefaultAsyncHttpxClient() as client:
        source = graph(client).astream(ASKED, THREAD, stream_mode=MODES, subgraphs=True)
        await aio.streams.pipe("ui", source, target=run).wait_until_complete()
    stored = [chunk async for chunk in aio.streams.read(run, "ui", timeout=0)]
    assert {mode for _, mode, _ in stored} == set(MODES)
    assert [data for _, mode, data in stored if mode == "custom"] == [{"looking": "Köln"}]
    told = [data for _, mode, data in stored if mode == "messages"]
    last = "".join(message["content"] for message, about in told if about["langgraph_step"] == 3)
    assert last == SAID
    assert {about["langgraph_node"] for _, about in told} == {"model", "tools"}


@pytest.mark.usefixtures("runstreams_client", "model")
async def test_a_graph_whose_model_breaks_off_fails_its_stream_after_what_came(run: str) -> None:
    from openai import DefaultAsyncHttpxClient

    from tests.ai.graph import ASKED, THREAD, graph

    async with DefaultAsyncHttpxClient() as client:
        source = graph(client, "breaks").astream(ASKED, THREAD, stream_mode="messages")
        piped = aio.streams.pipe("ui", source, target=run)
        with pytest.raises(Exception, match="Overloaded"):
            await piped.wait_until_complete()
    reader = aio.streams.read(run, "ui", timeout=0, strict=False)
    assert "".join([message["content"] async for message, _ in reader]) == SAID
    assert reader.closed is not None
    assert reader.closed.status == "failed"


@pytest.mark.parametrize("protocol", ["vercel_ai", "ag_ui"])
@pytest.mark.parametrize(
    ("answer", "has"), [("tool", "warm"), ("reasoning", "think."), ("breaks", "Overloaded")]
)
@pytest.mark.usefixtures("runstreams_client", "model")
async def test_the_adapters_of_pydantic_ai_are_stored_as_they_send_them(
    run: str, protocol: str, answer: str, has: str
) -> None:
    """Without null: neither protocol has it in the place of what is left out. An error of the model
    is an event of theirs, too, behind which they end.
    """
    from tests.ai import agent

    async with agent.adapted(protocol, answer) as (source, sent):
        await aio.streams.pipe("ui", source, target=run).wait_until_complete()
    stored = [chunk async for chunk in aio.streams.read(run, "ui", timeout=0)]
    assert stored == [json.loads(text) for text in sent]
    assert any(has in text for text in sent)
    assert SAID in "".join(each.get("delta", "") for each in stored)
