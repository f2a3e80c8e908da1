"""An endpoint that begins an answer and returns at once: the answer is written in a task of its
own, and goes on when the request, the tab and the reader are gone.

    python -m uvicorn --app-dir examples/openai background:app
"""

import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from openai import AsyncOpenAI
from pydantic import BaseModel

from runstreams import auth
from runstreams.ai import ui_message_chunks
from runstreams.aio import streams

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5")

app = FastAPI()


class Question(BaseModel):
    text: str


@app.post("/questions", status_code=202)
async def ask(question: Question) -> dict[str, str]:
    """Begin to answer, and say under which run, with a token that reads and stops it."""
    run_id = f"run_{uuid4().hex}"
    chunks = ui_message_chunks(events(question.text))
    # It begins here, in the background; with `close`, readers come to its end.
    streams.pipe("ui", chunks, target=run_id, close=True)
    token = auth.create_public_token(read=[run_id], stop=[run_id], expires_in="1h")
    return {"run_id": run_id, "token": token}


async def events(question: str) -> AsyncIterator[Any]:
    """Yield the events of the model's answer; leaving them closes the connection to it."""
    async with AsyncOpenAI() as client:
        answer = await client.responses.create(model=MODEL, input=question, stream=True)
        async with answer:
            async for event in answer:
                yield event
