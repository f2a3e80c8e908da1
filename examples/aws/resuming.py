"""An answer that is gone on with by whoever works on it next: neither streamed nor paid twice.

OpenAI works on it in the background and gives its events again, from any number on. What has that
number last is asked of the stream, which is taken over from the attempt before.
"""

import os
from collections.abc import Iterable
from typing import Any, TypedDict

from openai import OpenAI

from runstreams import streams
from runstreams.errors import RunCompleted

MODEL = os.environ.get("OPENAI_MODEL", "gpt-5")

LEASE = int(os.environ.get("LEASE_SECONDS", "900"))
"""Longer than it takes until a job is handed out again: then its readers are told nothing."""

ENDS = {"response.completed", "response.failed", "response.incomplete"}
"""Types of the event behind which none comes."""


class NotAnswered(Exception):
    """An answer has ended and is none; another attempt is no use, another run may be."""


class Job(TypedDict):
    """What is asked, and under which run it is answered."""

    run_id: str
    question: str


def answer(job: Job) -> None:
    """Answer a question, or go on with the answer of an attempt that has died; one that is whole
    is left as it is.

    Raises `NotAnswered` for one that has failed, now or before, `FencedOff` when another attempt
    begins.
    """
    try:
        go_on(job)
    except RunCompleted:
        check_answered(job["run_id"])


def go_on(job: Job) -> None:
    """Write what is not stored yet. Raises `RunCompleted` when the run has ended before, however it
    did.
    """
    with (
        streams.run(job["run_id"], lease=LEASE),
        streams.take_over("answer") as writer,
        OpenAI() as client,
    ):
        for event in events(client, job["question"], writer.stored()):
            writer.write(event)
            check_end(event.type)


def check_answered(run_id: str) -> None:
    """Raise `NotAnswered` unless a run has ended well: one that has failed is completed, too."""
    run = streams.describe_run(run_id)
    if run.status != "completed":
        raise NotAnswered(f"{run_id} has ended as {run.status} before: {run.error}")


def check_end(kind: str) -> None:
    """Raise `NotAnswered` behind the event by which OpenAI says so."""
    if kind == "response.failed":
        raise NotAnswered("the model has failed; its last event says why")


def events(client: OpenAI, question: str, stored: list[Any]) -> Iterable[Any]:
    """Return the events of an answer that come behind those that are *stored*."""
    if not stored:
        return client.responses.create(model=MODEL, input=question, background=True, stream=True)
    first, last = stored[0], stored[-1]
    if last["type"] in ENDS:
        check_end(last["type"])
        return []
    return client.responses.retrieve(
        first["response"]["id"], stream=True, starting_after=last["sequence_number"]
    )
