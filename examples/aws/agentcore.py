"""An agent for Bedrock AgentCore's runtime: its response says where the answer is, and ends.

python -m uvicorn --app-dir examples/aws --host 0.0.0.0 --port 8080 agentcore:app
"""

import asyncio
import logging
import time
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from pydantic import BaseModel
from resuming import Job, answer

from runstreams import auth

app = FastAPI()


class Work:
    """What is worked on. A session with work to do is kept, though nobody asks anything of it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = time.time()

    def begin(self, job: Job) -> None:
        """Work on a job in a thread of its own."""
        task = asyncio.create_task(asyncio.to_thread(answer, job))
        self._tasks.add(task)
        self._changed = time.time()
        task.add_done_callback(self._ended)

    def told(self) -> dict[str, Any]:
        """Return what AgentCore wants to know every few seconds."""
        status = "HealthyBusy" if self._tasks else "Healthy"
        return {"status": status, "time_of_last_update": int(self._changed)}

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._changed = time.time()
        if error := task.exception():  # its readers have been told, or follow another attempt
            logging.error("an answer has failed", exc_info=error)


work = Work()


class Question(BaseModel):
    prompt: str
    run_id: str | None = None
    """The run of an answer that is to be gone on with: its session has ended. Whoever may invoke
    the agent may name any: that is a backend of yours.
    """


@app.post("/invocations")
async def invoke(question: Question) -> dict[str, str]:
    """Begin to answer, or go on, and say where, with a token that reads it for as long as it may
    take.
    """
    run_id = question.run_id or f"run_{uuid4().hex}"
    work.begin({"run_id": run_id, "question": question.prompt})
    return {
        "run_id": run_id,
        "token": auth.create_public_token(read=[run_id], stop=[run_id], expires_in="8h"),
    }


@app.get("/ping")
async def ping() -> dict[str, Any]:
    """Say whether there is work to do."""
    return work.told()
