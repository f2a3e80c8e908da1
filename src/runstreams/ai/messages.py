"""Events of Anthropic's Messages API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .message import Chunk, Message, Reason

TYPES = {
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
}
"""What the events are called that say something; the client's own ones repeat it."""

REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content-filter",
    "tool_use": "tool-calls",
}


def of_messages(message: Message, event: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield what *event* adds to *message*."""
    match event:
        case {"type": "message_start", "message": {"id": answer_id}}:
            yield from message.begin_step(answer_id)
        case {"type": "content_block_start", "index": index, "content_block": block}:
            yield from _block(message, str(index), block)
        case {"type": "content_block_delta", "index": index, "delta": delta}:
            yield from _delta(message, str(index), delta)
        case {"type": "content_block_stop", "index": index}:
            yield from message.settle(str(index))
        case {"type": "message_delta", "delta": {"stop_reason": str(reason)}}:
            message.reason = REASONS.get(reason, "other")
        case {"type": "message_stop"}:
            yield from message.end_step(message.reason)


def _block(message: Message, key: str, block: Mapping[str, Any]) -> Iterator[Chunk]:
    match block:
        case {"type": "text"}:
            yield from message.text(key)
            yield from message.add(key, block.get("text"))
        case {"type": "thinking"}:
            yield from message.text(key, "reasoning")
            yield from message.add(key, block.get("thinking"))
        case {"type": "redacted_thinking", "data": data}:
            yield from message.text(key, "reasoning")
            message.note(key, {"anthropic": {"redactedData": data}})
        case {"type": "tool_use", "id": call_id, "name": name}:
            yield from message.tool(key, call_id, name)
            message.whole(key, _json(block))
        case {"type": "server_tool_use" | "mcp_tool_use", "id": call_id, "name": name}:
            yield from message.tool(key, call_id, name, providerExecuted=True)
            message.whole(key, _json(block))
        case {"type": str(kind), "tool_use_id": call_id, "content": output}:
            if kind.endswith("_tool_result"):  # of a tool that the provider has run
                yield from message.found(call_id, output)


def _json(block: Mapping[str, Any]) -> str | None:
    # Empty where the input comes in pieces, and where there is none.
    return json.dumps(given, ensure_ascii=False) if (given := block.get("input")) else None


def _delta(message: Message, key: str, delta: Mapping[str, Any]) -> Iterator[Chunk]:
    match delta:
        case (
            {"type": "text_delta", "text": piece}
            | {"type": "thinking_delta", "thinking": piece}
            | {"type": "input_json_delta", "partial_json": piece}
        ):
            yield from message.add(key, piece)
        case {"type": "signature_delta", "signature": signature}:
            message.note(key, {"anthropic": {"signature": signature}})
