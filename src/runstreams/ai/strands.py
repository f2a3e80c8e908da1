"""Events of Strands Agents, without the agent."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from typing import Any

from ..sdk.writing.sources import aclose
from .message import Chunk

TOLD = ("event", "message", "tool_stream_event", "force_stop", "force_stop_reason")
"""What is told of an event: the model's own, a whole message, what a tool streams, a break."""


async def strands_events(source: AsyncIterable[Mapping[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Yield what `Agent.stream_async` gives, as far as it can leave the process.

    Its other events repeat the model's, together with the agent itself and its whole conversation.
    """
    try:
        async for event in source:
            if told := _told(event):
                yield told
    finally:
        await aclose(source)


def _told(event: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: event[key] for key in TOLD if key in event}
    if (result := event.get("result")) is not None:
        told["result"] = {"stop_reason": result.stop_reason}
    return told


def results_in(content: list[Any]) -> Iterator[Chunk]:
    """Yield what tools have found, out of a message's *content*."""
    for each in content:
        match each:
            case {"toolResult": {"toolUseId": call_id, "status": "error", "content": found}}:
                yield {
                    "type": "tool-output-error",
                    "toolCallId": call_id,
                    "errorText": _text(found),
                }
            case {"toolResult": {"toolUseId": call_id, "content": found}}:
                yield {"type": "tool-output-available", "toolCallId": call_id, "output": found}


def _text(content: list[Any]) -> str:
    return "".join(each.get("text", "") for each in content) or "error"
