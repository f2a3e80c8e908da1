"""An agent of Pydantic AI behind an endpoint for `useChat`, whose messages travel by a stream.

python -m uvicorn --app-dir examples/pydantic-ai chat:app
"""

import os
from datetime import UTC, datetime
from uuid import uuid4

from fastapi import FastAPI, Request
from pydantic_ai import Agent
from pydantic_ai.ui.vercel_ai import VercelAIAdapter

from runstreams import auth
from runstreams.ai import ui_message_chunks
from runstreams.aio import streams

agent = Agent(
    os.environ.get("AGENT_MODEL", "openai:gpt-5"),
    instructions="You are brief. You know the weather.",
    defer_model_check=True,
)

app = FastAPI()


@agent.tool_plain
async def weather(city: str) -> dict[str, str]:
    """Return the weather in a city."""
    return {"city": city, "sky": "clear", "at": datetime.now(UTC).isoformat(timespec="minutes")}


@app.post("/chat", status_code=202)
async def chat(request: Request) -> dict[str, str]:
    """Begin to answer the messages that `useChat` has sent, and say where the answer is."""
    adapter = await VercelAIAdapter.from_request(request, agent=agent, sdk_version=6)
    run_id = f"run_{uuid4().hex}"
    # The adapter's chunks pass as they are, but for the one that ends a response.
    chunks = ui_message_chunks(adapter.run_stream())
    streams.pipe("ui", chunks, target=run_id, close=True)
    token = auth.create_public_token(read=[run_id], stop=[run_id], expires_in="1h")
    return {"run_id": run_id, "token": token}
