"""An agent of Pydantic AI, as it is, whose events are piped."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from runstreams.testing import Server

WEATHER = {"day": "2026-01-02", "station": "00000000-0000-0000-0000-000000000005", "celsius": 21.5}


@pytest.fixture
def agent() -> "Agent[None, str]":
    agent = Agent(TestModel())

    @agent.tool_plain
    def weather(city: str) -> dict[str, Any]:
        return {"day": date(2026, 1, 2), "station": UUID(int=5), "celsius": 21.5}

    return agent


async def test_the_events_of_an_agent_are_piped_as_they_come(
    runstreams_server: Server, agent: "Agent[None, str]"
) -> None:
    async with runstreams_server.async_client() as client:
        async with client.streams.run("agent"):
            client.streams.pipe("answer", agent.run_stream_events("How warm is it?"))
        events: list[Any] = [event async for event in client.streams.read("agent", "answer")]
    kinds = [event["event_kind"] for event in events]
    assert (kinds[0], kinds[-1]) == ("part_start", "agent_run_result")
    (result,) = [event for event in events if event["event_kind"] == "function_tool_result"]
    assert result["part"]["content"] == WEATHER
    assert json.loads(events[-1]["result"]["output"]) == {"weather": WEATHER}
