"""A graph of LangGraph in a Lambda function that is invoked and left alone: it streams what its
nodes do, and has no response that anybody waits for.

    python examples/langgraph/function.py "How warm is it in Köln?"     # the same, on this machine
"""

import os
import sys
from typing import Any, TypedDict
from uuid import uuid4

from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from runstreams import streams
from runstreams.errors import RunCompleted

LEASE = 600
"""Seconds, longer than it takes until Lambda invokes again what was killed: after one minute, then
after two. Readers are told nothing until then.
"""


class Job(TypedDict):
    """The event of an invocation."""

    run_id: str
    question: str


def weather(city: str) -> str:
    """Return the weather in a city."""
    streams.append("progress", f"looking at {city}")  # a node is in the run, too
    return "warm"


def graph() -> Any:
    """Return the graph: a model, and the tool that it may call."""
    model = ChatOpenAI(model=os.environ.get("OPENAI_MODEL", "gpt-5"), streaming=True)
    able = model.bind_tools([weather])

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [able.invoke(state["messages"])]}

    built = StateGraph(MessagesState).add_node("ask", ask).add_node("tools", ToolNode([weather]))
    built.add_edge(START, "ask")
    built.add_conditional_edges("ask", tools_condition)
    built.add_edge("tools", "ask")
    return built.compile()


def handler(event: Job, context: object) -> str:
    """Run the graph for a question. Lambda invokes again what has failed or was killed, and at
    times what has not.
    """
    try:
        run_graph(event)
    except RunCompleted:
        run = streams.describe_run(event["run_id"])
        if run.status != "completed":  # or Lambda takes the question for answered
            raise RuntimeError(f"{run.id} has ended as {run.status}: {run.error}") from None
        return "done before"
    return "done"


def run_graph(job: Job) -> None:
    """Stream what the graph does, in the place of what an attempt before has streamed. Raises
    `RunCompleted` for a run that is completed: it is not run again.
    """
    asked = {"messages": [("user", job["question"])]}
    # Leaving the run waits until all is stored: a function that has returned is frozen.
    with streams.run(job["run_id"], lease=LEASE), streams.take_over("updates") as writer:
        writer.supersede(0)
        writer.merge(graph().stream(asked, stream_mode=["messages", "updates"]))


if __name__ == "__main__":
    run_id = f"run_{uuid4().hex}"
    handler({"run_id": run_id, "question": " ".join(sys.argv[1:])}, None)
    print(run_id)
