"""An agent of Pydantic AI behind an endpoint for `useChat`, whose messages travel by a stream.

python -m uvicorn --app-dir examples/pydantic-ai chat:app
"""

import os
from datetime import UTC, datetime
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from pydantic_ai import Agent
from pydantic_ai.ui.vercel_ai import VercelAIAdapter

from runstreams import auth
from runstreams.ai import ui_message_chunks
from runstreams.aio import lifespan, streams

agent = Agent(
    os.environ.get("AGENT_MODEL", "openai:gpt-5"),
    instructions="You are brief. You know the weather.",
    defer_model_check=True,
)

app = FastAPI(lifespan=lifespan)

runs: dict[str, str] = {}
"""The latest answer of each chat; in its place goes a database."""


@agent.tool_plain
async def weather(city: str) -> dict[str, str]:
    """Return the weather in a city."""
    return {"city": city, "sky": "clear", "at": datetime.now(UTC).isoformat(timespec="minutes")}


@app.post("/chat")
async def chat(request: Request) -> dict[str, str]:
    """Begin to answer the messages that `useChat` has sent, and say where the answer is."""
    adapter = await VercelAIAdapter.from_request(
        request, agent=agent, sdk_version=6, server_message_id=f"msg_{uuid4().hex}"
    )
    run_id = runs[adapter.run_input.id] = f"run_{uuid4().hex}"
    # The adapter's chunks pass as they are, but for the one that ends a response.
    chunks = ui_message_chunks(adapter.run_stream())
    streams.pipe("ui", chunks, target=run_id, close=True)
    return place(run_id)


@app.get("/chat/{chat_id}/stream", response_model=None)
async def resumed(chat_id: str) -> dict[str, str] | Response:
    """Say where the answer is to a page that has been loaded again."""
    return place(runs[chat_id]) if chat_id in runs else Response(status_code=204)


def place(run_id: str) -> dict[str, str]:
    """Return a stream and a token that reads and stops it, as the transport wants them."""
    token = auth.create_public_token(read=[run_id], stop=[run_id], expires_in="1h")
    url = os.environ.get("RUNSTREAMS_URL", "http://127.0.0.1:8787")
    return {"run": run_id, "key": "ui", "token": token, "baseURL": url}
