"""Events of Bedrock's ConverseStream, which Strands Agents gives for every model."""

from collections.abc import Iterator, Mapping
from typing import Any

from .message import Chunk, Message, Reason

TYPES = {
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
}
"""The only member of an event that says something."""

REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content-filter",
    "content_filtered": "content-filter",
    "tool_use": "tool-calls",
}


def of_converse(message: Message, event: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield what *event* adds to *message*."""
    match event:
        case {"messageStart": _}:
            yield from message.begin_step(None)
        case {"contentBlockStart": {"start": {"toolUse": call}} as block}:
            yield from message.tool(_key(block), call["toolUseId"], call["name"])
        case {"contentBlockDelta": {"delta": delta} as block}:
            yield from _delta(message, _key(block), delta)
        case {"contentBlockStop": dict(block)}:
            yield from message.settle(_key(block))
        case {"messageStop": {"stopReason": reason}}:
            yield from message.end_step(REASONS.get(reason, "other"))


def _key(block: Mapping[str, Any]) -> str:
    # Most models of Strands do not number their blocks: one ends before the next begins.
    return str(block.get("contentBlockIndex", ""))


def _delta(message: Message, key: str, delta: Mapping[str, Any]) -> Iterator[Chunk]:
    match delta:
        case {"text": piece}:
            yield from message.text(key)
            yield from message.add(key, piece)
        case {"reasoningContent": {"text": piece}}:
            yield from message.text(key, "reasoning")
            yield from message.add(key, piece)
        case {"reasoningContent": {"signature": signature}}:
            message.note(key, {"bedrock": {"signature": signature}})
        case {"toolUse": {"input": piece}}:
            yield from message.add(key, piece)
