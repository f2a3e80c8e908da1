"""Events of OpenAI's Responses API."""

from collections.abc import Iterator, Mapping
from typing import Any

from .message import Chunk, Message, Reason

PREFIX = "response."
"""What the names of its events begin with."""

INCOMPLETE: dict[str, Reason] = {
    "max_output_tokens": "length",
    "content_filter": "content-filter",
}


def of_responses(message: Message, event: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield what *event* adds to *message*."""
    match str(event.get("type")).removeprefix(PREFIX), event:
        case "created", {"response": {"id": answer_id}}:
            yield from message.begin_step(answer_id)
        case "output_item.added", {"item": {"id": str(key)}}:
            yield from _added(message, key, event["item"])
        case "output_item.done", {"item": {"id": str(key)} as item}:
            message.whole(key, item.get("arguments") or item.get("input"))
            yield from message.end(key, is_cut=item.get("status") == "incomplete")
        case "completed", _:
            yield from message.end_step("tool-calls" if message.has_calls else "stop")
        case "incomplete", {"response": {"incomplete_details": {"reason": reason}}}:
            yield from message.end_step(INCOMPLETE.get(reason, "other"))
        case "failed", {"response": {"error": {"message": text}}}:
            yield from message.fail(text)
        case kind, {"item_id": item}:
            yield from _piece(message, kind, item, event)


def _added(message: Message, key: str, item: Mapping[str, Any]) -> Iterator[Chunk]:
    match item:
        case {"type": "function_call", "call_id": call_id, "name": name}:
            yield from message.tool(key, call_id, name)
            message.whole(key, item.get("arguments"))
        case {"type": "custom_tool_call", "call_id": call_id, "name": name}:
            yield from message.free_tool(key, call_id, name)


def _piece(message: Message, kind: str, item: str, event: Mapping[str, Any]) -> Iterator[Chunk]:
    text = f"{item}.{event.get('summary_index', event.get('content_index', 0))}"
    match kind:
        case "output_text.delta" | "refusal.delta":
            yield from message.text(text)
            yield from message.add(text, event["delta"])
        case "reasoning_summary_text.delta" | "reasoning_text.delta":
            yield from message.text(text, "reasoning")
            yield from message.add(text, event["delta"])
        case "function_call_arguments.delta" | "custom_tool_call_input.delta":
            yield from message.add(item, event["delta"])
        case "function_call_arguments.done":
            message.whole(item, event["arguments"])
        case "content_part.done" | "reasoning_summary_part.done" | "reasoning_text.done":
            yield from message.end(text)
