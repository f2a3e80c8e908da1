"""Chunks of OpenAI's Chat Completions API, which many others speak as well."""

from collections.abc import Iterator, Mapping
from typing import Any

from .message import Chunk, Message, Reason

REASONS: dict[str, Reason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}

TEXT, REFUSAL, REASONING = "text", "refusal", "reasoning"
"""What the texts of an answer are called inside of its step."""


def of_completions(message: Message, event: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield what *event* adds to *message*: its first choice."""
    for choice in event.get("choices") or ():
        if choice.get("index", 0) == 0:
            if not message.in_step:
                yield from message.begin_step(event.get("id"))
            yield from _delta(message, choice.get("delta") or {})
            if reason := choice.get("finish_reason"):
                yield from message.end_step(REASONS.get(reason, "other"))


def _delta(message: Message, delta: Mapping[str, Any]) -> Iterator[Chunk]:
    # OpenAI tells no reasoning here; other providers call it one or the other.
    if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
        yield from message.text(REASONING, "reasoning")
        yield from message.add(REASONING, reasoning)
    for key, piece in ((TEXT, delta.get("content")), (REFUSAL, delta.get("refusal"))):
        if piece:
            yield from message.end(REASONING)
            yield from message.text(key)
            yield from message.add(key, piece)
    for call in delta.get("tool_calls") or ():
        yield from _call(message, call)


def _call(message: Message, call: Mapping[str, Any]) -> Iterator[Chunk]:
    key = f"tool.{call.get('index', 0)}"
    function = call.get("function") or {}
    if (call_id := call.get("id")) and (name := function.get("name")):
        for text in (REASONING, TEXT, REFUSAL):
            yield from message.end(text)
        yield from message.tool(key, call_id, name)
    yield from message.add(key, function.get("arguments"))
