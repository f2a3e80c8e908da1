"""An answer in the wire formats of providers, written from what they document:

- OpenAI, "API reference: Responses, streaming events", and "Chat Completions, the chat completion
  chunk object"
- Anthropic, "Messages: streaming"
- AWS, "Amazon Bedrock Runtime API reference: ConverseStream", and "Event stream encoding" of the
  Smithy specification
"""

import json
from binascii import crc32
from collections.abc import Iterable, Iterator
from struct import pack
from typing import Any

from .answers import Call, Part, Reasoning, Text, Trouble

Event = dict[str, Any]


def completions(parts: Iterable[Part]) -> Iterator[str]:
    """Yield server-sent events of OpenAI's Chat Completions."""
    reason = "stop"
    yield _completion({"role": "assistant", "content": ""})
    for part in parts:
        match part:
            case Text(pieces):
                yield from (_completion({"content": piece}) for piece in pieces)
            case Reasoning(pieces):
                yield from (_completion({"reasoning_content": piece}) for piece in pieces)
            case Call(name, pieces):
                reason = "tool_calls"
                begun = {"id": "call_1", "type": "function", "function": {"name": name}}
                yield _completion({"tool_calls": [{"index": 0, **begun}]})
                for piece in pieces:
                    call = {"index": 0, "function": {"arguments": piece}}
                    yield _completion({"tool_calls": [call]})
            case Trouble(message):
                yield _sse({"error": {"message": message, "type": "server_error"}})
                return
    yield _completion({}, reason)
    yield "data: [DONE]\n\n"


def _completion(delta: Event, reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    known = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return _sse({**known, "choices": [choice]})


def responses(parts: Iterable[Part]) -> Iterator[str]:
    """Yield server-sent events of OpenAI's Responses."""
    output: list[Event] = []
    for number, event in enumerate(_responses(parts, output)):
        yield _sse({**event, "sequence_number": number}, event["type"])


def _responses(parts: Iterable[Part], output: list[Event]) -> Iterator[Event]:
    yield {"type": "response.created", "response": _response("in_progress", [])}
    for index, part in enumerate(parts):
        at = {"output_index": index, "item_id": f"item_{index}"}
        match part:
            case Text(pieces):
                item = yield from _message_item(at, pieces)
            case Reasoning(pieces):
                item = yield from _reasoning_item(at, pieces)
            case Call(name, pieces):
                item = yield from _call_item(at, name, pieces)
            case Trouble(message):
                error = {"code": "server_error", "message": message}
                failed = {**_response("failed", output), "error": error}
                yield {"type": "response.failed", "response": failed}
                return
        output.append(item)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": _response("completed", output)}


def _response(status: str, output: list[Event]) -> Event:
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    settings = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    known = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "error": None}
    return {**known, **settings, "status": status, "output": list(output), "usage": usage}


def _message_item(at: Event, pieces: Iterable[str]) -> Iterator[Event]:
    item = {"id": at["item_id"], "type": "message", "role": "assistant", "status": "completed"}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    begun = {**item, "content": [], "status": "in_progress"}
    yield {
        "type": "response.output_item.added",
        "output_index": at["output_index"],
        "item": begun,
    }
    at = {**at, "content_index": 0}
    yield {"type": "response.content_part.added", **at, "part": part}
    for piece in pieces:
        yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
    text = "".join(pieces)
    yield {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": {**part, "text": text}}
    return {**item, "content": [{**part, "text": text}]}


def _reasoning_item(at: Event, pieces: Iterable[str]) -> Iterator[Event]:
    item = {"id": at["item_id"], "type": "reasoning", "summary": []}
    yield {
        "type": "response.output_item.added",
        "output_index": at["output_index"],
        "item": item,
    }
    at = {**at, "summary_index": 0}
    part = {"type": "summary_text", "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **at, "part": part}
    for piece in pieces:
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
    part = {**part, "text": "".join(pieces)}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
    return {**item, "summary": [part]}


def _call_item(at: Event, name: str, pieces: Iterable[str]) -> Iterator[Event]:
    item = {"id": at["item_id"], "type": "function_call", "call_id": "call_1", "name": name}
    begun = {**item, "arguments": "", "status": "in_progress"}
    yield {
        "type": "response.output_item.added",
        "output_index": at["output_index"],
        "item": begun,
    }
    for piece in pieces:
        yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
    text = "".join(pieces)
    done = {"name": name, "arguments": text}
    yield {"type": "response.function_call_arguments.done", **at, **done}
    return {**item, "arguments": text, "status": "completed"}


def messages(parts: Iterable[Part]) -> Iterator[str]:
    """Yield server-sent events of Anthropic's Messages."""
    for event in _messages(parts):
        yield _sse(event, event["type"])


def _messages(parts: Iterable[Part]) -> Iterator[Event]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    nothing = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", **nothing}
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    reason = "end_turn"
    for index, part in enumerate(parts):
        match part:
            case Text(pieces):
                yield from _block(index, {"type": "text", "text": ""}, "text", pieces)
            case Reasoning(pieces):
                block = {"type": "thinking", "thinking": "", "signature": ""}
                yield from _block(index, block, "thinking", pieces)
            case Call(name, pieces):
                reason = "tool_use"
                block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
                yield from _block(index, block, "partial_json", pieces)
            case Trouble(message):
                yield {"type": "error", "error": {"type": "api_error", "message": message}}
                return
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}


def _block(index: int, block: Event, name: str, pieces: Iterable[str]) -> Iterator[Event]:
    at = {"type": "content_block_delta", "index": index}
    yield {"type": "content_block_start", "index": index, "content_block": block}
    for piece in pieces:
        yield {**at, "delta": {"type": DELTAS[name], name: piece}}
    if name == "thinking":
        yield {**at, "delta": {"type": "signature_delta", "signature": "c2lnbmVk"}}
    yield {"type": "content_block_stop", "index": index}


def _sse(event: Event, name: str | None = None) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(event)}\n\n"


def converse(parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield frames of Bedrock's ConverseStream."""
    yield _frame("messageStart", {"role": "assistant"})
    reason = "end_turn"
    for index, part in enumerate(parts):
        match part:
            case Trouble(message):
                yield _frame("modelStreamErrorException", {"message": message}, "exception")
                return
            case Text(pieces):
                deltas: list[Event] = [{"text": piece} for piece in pieces]
            case Reasoning(pieces):
                deltas = [{"reasoningContent": {"text": piece}} for piece in pieces]
                deltas.append({"reasoningContent": {"redactedContent": "/wD+"}})
            case Call(name, pieces):
                reason = "tool_use"
                start = {"toolUse": {"toolUseId": "tool_1", "name": name}}
                yield _frame("contentBlockStart", {"contentBlockIndex": index, "start": start})
                deltas = [{"toolUse": {"input": piece}} for piece in pieces]
        for delta in deltas:
            yield _frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        yield _frame("contentBlockStop", {"contentBlockIndex": index})
    yield _frame("messageStop", {"stopReason": reason})
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    yield _frame("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})


def _frame(name: str, payload: Event, kind: str = "event") -> bytes:
    said = {":message-type": kind, f":{kind}-type": name, ":content-type": "application/json"}
    headers = b"".join(
        pack("!B", len(key)) + key.encode() + pack("!BH", 7, len(value)) + value.encode()
        for key, value in said.items()
    )
    body = json.dumps(payload).encode()
    prelude = pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + pack("!I", crc32(prelude)) + headers + body
    return message + pack("!I", crc32(message))
