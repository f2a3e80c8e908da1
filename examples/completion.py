"""A completion that is streamed from a job to two readers: one from its first word on, one that
comes late and starts in the middle.

    python -m examples.completion "What is a stream?"
"""

import sys
import threading
from collections.abc import Iterator
from uuid import uuid4

from runstreams import streams

from .model import CompletionChunk, completion

LATE = 4
"""The index at which the late reader begins."""


def job(run_id: str, question: str) -> str:
    """Answer *question* as run *run_id*, and return the whole answer."""
    with streams.run(run_id):
        # It is sent while the loop goes on; leaving the run waits for what is not sent yet.
        piped = streams.pipe("answer", completion(question))
        return "".join(text_of(chunk) for chunk in piped.stream)


def text_of(chunk: CompletionChunk) -> str:
    """Return the text that a chunk of the model adds."""
    return chunk.choices[0].delta.content or ""


def words(run_id: str, start_index: int = 0) -> Iterator[str]:
    """Yield the words of an answer as they come, in any process that knows the run's id."""
    for chunk in streams.read(run_id, "answer", start_index=start_index):
        if word := chunk["choices"][0]["delta"]["content"]:
            yield word


def show(name: str, run_id: str, start_index: int = 0) -> None:
    """Print an answer, when it is whole."""
    answer = "".join(words(run_id, start_index))
    print(f"{name}: {answer}\n", end="")  # one piece: both readers end at the same moment


def main(question: str) -> None:
    """Begin the job and both readers."""
    run_id = f"run_{uuid4().hex}"
    live = threading.Thread(target=show, args=("live", run_id))
    late = threading.Thread(target=show, args=("late", run_id, LATE))
    live.start()
    worker = threading.Thread(target=job, args=(run_id, question))
    worker.start()
    for passed, _ in enumerate(words(run_id)):
        if passed == LATE:
            late.start()
            break
    for thread in (worker, live, late):
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "What is a stream?")
