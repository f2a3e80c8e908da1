"""An answer that is gone on with by whoever works on it next: neither streamed nor paid twice.

OpenAI works on it in the background and gives its events again, from any number on. What has that
number last is asked of the stream, which is taken over from the attempt before.
"""

import os
from collections.abc import Iterable
from typing import Any, TypedDict

from openai import OpenAI

from runstreams import streams

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5")

LEASE = int(os.environ.get("LEASE_SECONDS", "900"))
"""Longer than it takes until a job is handed out again: then its readers are told nothing."""

ENDS = {"response.completed", "response.failed", "response.incomplete"}
"""Types of the event behind which none comes."""


class Job(TypedDict):
    """What is asked, and under which run it is answered."""

    run_id: str
    question: str


def answer(job: Job) -> None:
    """Answer a question, or go on with the answer of an attempt that has died.

    Raises `RunCompleted` for an answer that is whole, `FencedOff` when another attempt begins.
    """
    with (
        streams.run(job["run_id"], lease=LEASE),
        streams.take_over("answer") as writer,
        OpenAI() as client,
    ):
        for event in events(client, job["question"], writer.stored()):
            writer.write(event)


def events(client: OpenAI, question: str, stored: list[Any]) -> Iterable[Any]:
    """Return the events of an answer that come behind those that are *stored*."""
    if not stored:
        return client.responses.create(model=MODEL, input=question, background=True, stream=True)
    first, last = stored[0], stored[-1]
    if last["type"] in ENDS:
        return []
    return client.responses.retrieve(
        first["response"]["id"], stream=True, starting_after=last["sequence_number"]
    )
