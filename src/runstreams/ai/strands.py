"""Events of Strands Agents, without the agent."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

from ..sdk.writing.sources import aclose

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
