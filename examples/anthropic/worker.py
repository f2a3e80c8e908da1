"""A worker that answers what is asked in a stream: the queue is a stream, too.

    python examples/anthropic/worker.py

It follows the stream from its beginning, and passes over what was begun before: so it may be
stopped and started at any time. There may be one worker; more of them take a queue.
"""

import logging
import os

from anthropic import Anthropic

from runstreams import streams
from runstreams.errors import NotThere

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-4-5")


def work() -> None:
    """Answer one question after another; a failure is told to whoever reads that answer."""
    with Anthropic() as client:
        for job in streams.read("inbox", "questions", timeout=None):
            if not is_begun(job["run_id"]):
                try:
                    answer(client, job["run_id"], job["question"])
                except Exception:
                    logging.exception("%s has failed", job["run_id"])


def is_begun(run_id: str) -> bool:
    """Say whether a worker has begun to answer; its lease says what became of it."""
    try:
        streams.describe_run(run_id)
    except NotThere:
        return False
    return True


def answer(client: Anthropic, run_id: str, question: str) -> None:
    """Answer *question* as run *run_id*; leaving the run waits for what is not sent yet."""
    with streams.run(run_id):
        events = client.messages.create(
            model=MODEL,
            max_tokens=4000,
            messages=[{"role": "user", "content": question}],
            stream=True,
        )
        streams.pipe("answer", events)


if __name__ == "__main__":
    work()
