"""The backend of a page with `useChat`: it answers into streams, and says where they are.

python -m uvicorn backend:app --port 8000
"""

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from runstreams import auth
from runstreams.aio import lifespan, streams

STREAMS_URL = os.environ.get("RUNSTREAMS_URL", "http://127.0.0.1:8787")
WORD_MS = int(os.environ.get("WORD_MS", "60"))
TEXT = (
    "You have asked: {question}\n\n"
    "Each word of this answer is a chunk of a stream that the server keeps, and this page is only "
    "one of its readers. Reload it in the middle: what is there comes at once, and the rest as it "
    "is written. Take the network away and bring it back, or open this address in a second window "
    "or on your phone. No word is missing, and none comes twice, for every chunk has a number, "
    "and whoever comes back says which one is next."
)

app = FastAPI(lifespan=lifespan)  # when the backend stops, readers are told: canceled

chats = sqlite3.connect(os.environ.get("CHATS", "chats.db"), isolation_level=None)
chats.execute("CREATE TABLE IF NOT EXISTS chats (id TEXT PRIMARY KEY, messages TEXT, run TEXT)")


class Asked(BaseModel):
    """What `useChat` posts: the whole conversation, its last message being the question."""

    id: str
    messages: list[dict[str, Any]]


async def model(question: str) -> AsyncIterator[str]:
    """In its place goes yours: whatever yields an answer's text."""
    for word in re.findall(r"\s*\S+", TEXT.format(question=question)):
        await asyncio.sleep(WORD_MS / 1000)
        yield word


async def answer(messages: list[dict[str, Any]]) -> AsyncIterator[dict[str, str]]:
    """Yield an answer as UI message chunks of the AI SDK."""
    question = "".join(part.get("text", "") for part in messages[-1]["parts"])
    yield {"type": "start", "messageId": f"msg_{uuid4().hex}"}
    yield {"type": "text-start", "id": "text"}
    async for word in model(question):
        yield {"type": "text-delta", "id": "text", "delta": word}
    yield {"type": "text-end", "id": "text"}
    yield {"type": "finish"}


def place(run: str) -> dict[str, str]:
    """Say where an answer is, with a token that reads it and stops its producer, for an hour."""
    # Yours would ask here who is calling, and whether the chat is theirs.
    token = auth.create_public_token(read=[run], stop=[run], expires_in="1h")
    return {"run": run, "key": "ui", "token": token, "baseURL": STREAMS_URL}


@app.post("/api/chat")
async def ask(asked: Asked) -> dict[str, str]:
    """Begin to answer, in the background, and say where."""
    run = f"run_{uuid4().hex}"
    row = (asked.id, json.dumps(asked.messages), run)
    chats.execute("INSERT OR REPLACE INTO chats VALUES (?, ?, ?)", row)
    # It goes on whether or not anybody reads; with `close`, readers come to its end.
    streams.pipe("ui", answer(asked.messages), target=run, close=True)
    return place(run)


@app.get("/api/chat/{chat}")
async def messages(chat: str) -> list[dict[str, Any]]:
    """Return a conversation up to its last question; the answer to that is in its stream."""
    row = chats.execute("SELECT messages FROM chats WHERE id = ?", (chat,)).fetchone()
    return json.loads(row[0]) if row else []


@app.get("/api/chat/{chat}/stream", response_model=None)
async def find(chat: str) -> dict[str, str] | Response:
    """Say where the latest answer of a conversation is, whether it is finished or not."""
    row = chats.execute("SELECT run FROM chats WHERE id = ?", (chat,)).fetchone()
    return place(row[0]) if row else Response(status_code=204)


page = Path(__file__).parent / "dist"
app.mount("/", StaticFiles(directory=page, html=True, check_dir=False))
