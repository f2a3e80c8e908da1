"""An endpoint of the AG-UI protocol whose events come out of a stream: a client that was cut off
gets the rest, and an agent whose client has gone runs to its end.

    python -m uvicorn --app-dir examples/ag-ui endpoint:app
"""

import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, Header, Request
from fastapi.responses import StreamingResponse
from pydantic_ai import Agent
from pydantic_ai.ui.ag_ui import AGUIAdapter

from runstreams.aio import streams
from runstreams.errors import NotThere

agent = Agent(os.environ.get("AGENT_MODEL", "openai:gpt-5"), defer_model_check=True)

app = FastAPI()


@agent.tool_plain
async def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"warm in {city}"


@app.post("/agent")
async def run(request: Request) -> StreamingResponse:
    """Begin the run that a client of AG-UI asks for, and send its events."""
    adapter = await AGUIAdapter.from_request(request, agent=agent)
    run_id = adapter.run_input.run_id
    if not await is_begun(run_id):  # or the client asks again, as it had no answer
        streams.pipe("ui", adapter.run_stream(), target=run_id, close=True)
    return sent(run_id, 0)


@app.get("/agent/{run_id}")
async def again(run_id: str, last_event_id: int = Header(default=-1)) -> StreamingResponse:
    """Send the events of a run from where the client is."""
    return sent(run_id, last_event_id + 1)


async def is_begun(run_id: str) -> bool:
    """Say whether there are events of a run."""
    try:
        await streams.describe(run_id, "ui")
    except NotThere:
        return False
    return True


def sent(run_id: str, start_index: int) -> StreamingResponse:
    """Return a response that follows a run from *start_index* on."""
    headers = {"Cache-Control": "no-cache, no-transform"}
    events = following(run_id, start_index)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def following(run_id: str, start_index: int) -> AsyncIterator[str]:
    """Yield a server-sent event for each chunk, with its index as the id."""
    async with streams.read(
        run_id, "ui", start_index=start_index, strict=False, chunks=True
    ) as reader:
        async for chunk in reader:
            yield f"id: {chunk.index}\ndata: {json.dumps(chunk.data)}\n\n"
