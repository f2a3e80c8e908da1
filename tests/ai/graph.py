"""A graph of LangGraph: a model that calls a tool, which tells what it does."""

from typing import Any

from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

ASKED = {"messages": [("user", "How warm is it?")]}
THREAD = {"configurable": {"thread_id": "1"}}


def weather(city: str) -> str:
    """Return the weather in a city."""
    get_stream_writer()({"looking": city})
    return "warm"


def graph(client: Any, model: str = "tool") -> Any:
    """Return the graph, compiled; its *model* is asked by *client*."""
    chat = ChatOpenAI(model=model, streaming=True, http_async_client=client, max_retries=0)
    able = chat.bind_tools([weather])

    async def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await able.ainvoke(state["messages"])]}

    built = StateGraph(MessagesState)
    built.add_node("model", ask)
    built.add_node("tools", ToolNode([weather]))
    built.add_edge(START, "model")
    built.add_conditional_edges("model", tools_condition)
    built.add_edge("tools", "model")
    return built.compile(checkpointer=InMemorySaver())
