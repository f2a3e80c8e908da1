"""An agent of Strands, whose package has an environment of its own: its pins exclude ours."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runstreams.testing import Server
from tests.ai.model_server import Model
from tests.tools import ROOT

SAID = "To be, or Fuß 👍🏽!"


@pytest.fixture
def stored(tool: str, runstreams_server: Server, model: Model) -> tuple[list[Any], list[Any]]:
    """What a process of the agent has written: its events, and chunks for `useChat`."""
    environ = runstreams_server.environ() | model.environ() | {"PYTHONPATH": str(ROOT / "src")}
    program = Path(__file__).with_name("strands_program.py")
    subprocess.run([tool, program], env=os.environ | environ, check=True, timeout=60)
    with runstreams_server.client() as client:
        events, chunks = (client.streams.read("run_strands", key) for key in ("events", "ui"))
        return list(events), list(chunks)


@pytest.mark.needs("strands")
def test_an_agents_events_are_stored_without_the_agent(
    stored: tuple[list[Any], list[Any]],
) -> None:
    events, chunks = stored
    deltas = [
        event["event"]["contentBlockDelta"]["delta"]
        for event in events
        if "contentBlockDelta" in event.get("event", {})
    ]
    assert "".join(delta.get("text", "") for delta in deltas) == f"I will look.{SAID}"
    messages = [event["message"]["role"] for event in events if "message" in event]
    assert messages == ["assistant", "user", "assistant"]
    assert events[-1] == {"result": {"stop_reason": "end_turn"}}
    assert {key for event in events for key in event} == {"event", "message", "result"}
    (output,) = [chunk for chunk in chunks if chunk["type"] == "tool-output-available"]
    assert (output["toolCallId"], output["output"]) == ("tool_1", [{"text": "warm"}])
    assert "".join(chunk.get("delta", "") for chunk in chunks) == f"I will look.{SAID}"
    assert chunks[-1] == {"type": "finish", "finishReason": "stop"}
