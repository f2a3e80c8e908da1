"""An agent of Strands, whose package has an environment of its own: its pins exclude ours."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runstreams import Client
from runstreams.testing import Server
from tests.ai.model_server import Model
from tests.tools import ROOT

SAID = "To be, or Fuß 👍🏽!"


Stored = tuple[list[Any], list[Any]]


@pytest.fixture(params=["any"])
def answer(request: pytest.FixtureRequest) -> str:
    """The model that is asked; any calls the tool."""
    return str(request.param)


@pytest.fixture
def process(
    tool: str, answer: str, runstreams_server: Server, model: Model
) -> "subprocess.CompletedProcess[str]":
    """A process of the agent that has ended."""
    environ = runstreams_server.environ() | model.environ() | {"PYTHONPATH": str(ROOT / "src")}
    program = Path(__file__).with_name("strands_program.py")
    command = (tool, program, answer)
    return subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def client(runstreams_server: Server) -> Iterator[Client]:
    with runstreams_server.client() as client:
        yield client


@pytest.fixture
def stored(process: "subprocess.CompletedProcess[str]", answer: str, client: Client) -> Stored:
    """What it has written: its events, and chunks for `useChat`."""
    if answer != "breaks":
        assert process.returncode == 0, process.stderr
    read, run = client.streams.read, f"run_strands_{answer}"
    events, chunks = (list(read(run, key, timeout=0, strict=False)) for key in ("events", "ui"))
    return events, chunks


def deltas_of(events: list[Any]) -> list[Any]:
    return [
        event["event"]["contentBlockDelta"]["delta"]
        for event in events
        if "contentBlockDelta" in event.get("event", {})
    ]


def text_of(parts: list[Any], key: str) -> str:
    return "".join(part.get(key, "") for part in parts)


@pytest.mark.needs("strands")
def test_an_agents_events_are_stored_without_the_agent(stored: Stored) -> None:
    events, chunks = stored
    assert text_of(deltas_of(events), "text") == f"I will look.{SAID}"
    messages = [event["message"]["role"] for event in events if "message" in event]
    assert messages == ["assistant", "user", "assistant"]
    assert events[-1] == {"result": {"stop_reason": "end_turn"}}
    assert {key for event in events for key in event} == {"event", "message", "result"}
    (output,) = [chunk for chunk in chunks if chunk["type"] == "tool-output-available"]
    assert (output["toolCallId"], output["output"]) == ("tool_1", [{"text": "warm"}])
    assert text_of(chunks, "delta") == f"I will look.{SAID}"
    assert chunks[-1] == {"type": "finish", "finishReason": "stop"}


@pytest.mark.soak
@pytest.mark.needs("strands")
@pytest.mark.parametrize("answer", ["reasoning"], indirect=True)
def test_what_a_model_thinks_is_stored_as_thought_and_its_bytes_in_base64(stored: Stored) -> None:
    events, chunks = stored
    thought = [each["reasoningContent"] for each in deltas_of(events) if "reasoningContent" in each]
    assert thought == [{"text": "Let me "}, {"text": "think."}, {"redactedContent": "/wD+"}]
    thought = [chunk for chunk in chunks if chunk["type"] == "reasoning-delta"]
    assert text_of(thought, "delta") == "Let me think."
    said = [chunk for chunk in chunks if chunk["type"] == "text-delta"]
    assert text_of(said, "delta") == SAID


@pytest.mark.soak
@pytest.mark.needs("strands")
@pytest.mark.parametrize("answer", ["breaks"], indirect=True)
def test_an_agent_that_breaks_off_fails_its_streams_after_what_came(
    process: "subprocess.CompletedProcess[str]", stored: Stored, client: Client
) -> None:
    events, chunks = stored
    assert "EventStreamError" in process.stderr
    assert text_of(deltas_of(events), "text") == text_of(chunks, "delta") == SAID
    assert (chunks[-1]["type"], "Overloaded" in chunks[-1]["errorText"]) == ("error", True)
    for key in ("events", "ui"):
        closed = client.streams.describe("run_strands_breaks", key).closed
        assert closed is not None
        assert (closed.status, "Overloaded" in str(closed.error)) == ("failed", True)
