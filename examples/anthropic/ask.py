"""Asks a question and shows the answer as it comes.

python examples/anthropic/ask.py "To be?"          # and Ctrl-C in the middle
python examples/anthropic/ask.py --again RUN       # shows it whole, and goes on
"""

import sys
from uuid import uuid4

from runstreams import streams


def ask(question: str) -> str:
    """Put a question into the worker's inbox and return the run of its answer."""
    run_id = f"run_{uuid4().hex}"
    streams.append("questions", {"run_id": run_id, "question": question}, target="inbox")
    return run_id


def show(run_id: str) -> None:
    """Print the text of an answer, from its beginning to its end."""
    print(f"({run_id})")
    for event in streams.read(run_id, "answer"):
        if event["type"] == "content_block_delta":
            print(event["delta"].get("text", ""), end="", flush=True)
    print()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--again", run_id]:
            show(run_id)
        case words:
            show(ask(" ".join(words)))
