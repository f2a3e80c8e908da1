"""A worker process that takes jobs from a queue, runs a graph of steps for each, and streams what
happens to whoever has asked: a job is a message, its answer is a stream.

    python -m examples.worker "Who reads it?"

In place of the queue goes Celery (`work` is then the task), Redis or SQS; in place of `Graph` a
compiled graph of LangGraph, whose `stream` gives the same kind of updates.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from typing import Any, TypedDict
from uuid import uuid4

from runstreams import streams

from .model import completion


class Job(TypedDict):
    """A message of the queue."""

    run_id: str
    parent_id: str
    question: str


Queue = Any
"""`multiprocessing.Queue` of jobs, None at its end; it has no type of its own to name."""

Update = dict[str, dict[str, Any]]


class Graph:
    """Stands for a compiled graph: it yields an update for each step, named by its node."""

    def stream(self, state: dict[str, Any]) -> Iterator[Update]:
        """Run from *state* on. What a node streams beside its update, it appends itself."""
        yield {"plan": {"steps": ["search", "answer"]}}
        yield {"search": {"found": len(state["question"].split())}}
        # A node may stream on its own: the run is the current one here, too.
        words = streams.pipe("words", map(_text, completion(state["question"])))
        yield {"answer": {"text": "".join(words.stream)}}


def _text(chunk: Any) -> str:
    return chunk.choices[0].delta.content or ""


def work(job: Job) -> None:
    """Do one job: a run of its own, below the one that asked for it."""
    with streams.run(job["run_id"], parent=job["parent_id"]):
        streams.append("progress", f"{job['run_id']} has begun", target="parent")
        streams.pipe("updates", Graph().stream({"question": job["question"]})).wait_until_complete()


def serve(queue: Queue) -> None:
    """Work until there are no more jobs."""
    while (job := queue.get()) is not None:
        work(job)


def ask(queue: Queue, parent_id: str, question: str) -> str:
    """Put a job into the queue and return its run's id, which is all that a reader needs."""
    run_id = f"run_{uuid4().hex}"
    queue.put(Job(run_id=run_id, parent_id=parent_id, question=question))
    return run_id


def main(question: str) -> None:
    """Start a worker, ask, and follow what it does."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    worker = context.Process(target=serve, args=(queue,))
    worker.start()
    with streams.run() as request:
        run_id = ask(queue, request.id, question)
        queue.put(None)
        for update in streams.read(run_id, "updates"):
            for node, state in update.items():
                print(f"{node}: {state}")
        print("words:", "|".join(streams.read(run_id, "words")))
        print("progress:", *streams.read(request.id, "progress", timeout=0))
    worker.join()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Who reads it?")
