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
    """Run the graph for a question. Lambda invokes again what has failed, and at times what has
    not: a run that is completed is not run again.
    """
    asked = {"messages": [("user", event["question"])]}
    try:
        # Leaving the run waits until all is stored: a function that has returned is frozen.
        with streams.run(event["run_id"]):
            updates = graph().stream(asked, stream_mode=["messages", "updates"])
            streams.pipe("updates", updates)
    except RunCompleted:
        return "done before"
    return "done"


if __name__ == "__main__":
    run_id = f"run_{uuid4().hex}"
    handler({"run_id": run_id, "question": " ".join(sys.argv[1:])}, None)
    print(run_id)
