"""An agent of Pydantic AI behind its adapters for front ends."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ag_ui.encoder import EventEncoder
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.ui.ag_ui import AGUIAdapter
from pydantic_ai.ui.vercel_ai import VercelAIAdapter

QUESTION = "How warm is it?"

VERCEL_AI = {
    "trigger": "submit-message",
    "id": "chat",
    "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": QUESTION}]}],
}

AG_UI = {
    "threadId": "thread",
    "runId": "run",
    "state": {},
    "messages": [{"id": "1", "role": "user", "content": QUESTION}],
    "tools": [],
    "context": [],
    "forwardedProps": {},
}


@asynccontextmanager
async def adapted(protocol: str, model: str) -> AsyncIterator[tuple[AsyncIterator[Any], list[str]]]:
    """Give what an adapter gives, and what it would send of that, as JSON."""
    async with AsyncOpenAI(max_retries=0) as client:
        agent = Agent(OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client)))
        agent.tool_plain(weather)
        sent: list[str] = []
        yield _noted(_adapter(agent, protocol).run_stream(), sent), sent


def weather(city: str) -> str:
    """Return the weather in a city."""
    return "warm"


def _adapter(agent: Any, protocol: str) -> Any:
    kind, body = {"vercel_ai": (VercelAIAdapter, VERCEL_AI), "ag_ui": (AGUIAdapter, AG_UI)}[
        protocol
    ]
    return kind(agent=agent, run_input=kind.build_run_input(json.dumps(body).encode()))


async def _noted(events: AsyncIterator[Any], sent: list[str]) -> AsyncIterator[Any]:
    async for event in events:
        if getattr(event, "type", None) != "done":  # what ends the response is no chunk
            sent.append(_sent(event))
            yield event


def _sent(event: Any) -> str:
    if hasattr(event, "encode"):
        return str(event.encode(sdk_version=6))
    return str(EventEncoder().encode(event)).removeprefix("data: ").strip()
