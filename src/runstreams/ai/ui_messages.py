"""Chunks for `useChat` of the Vercel AI SDK, out of events of models' APIs."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, cast, overload

from ..sdk.closing import said
from ..sdk.errors import InvalidSource
from ..sdk.jsonable import jsonable
from ..sdk.writing.sources import Source, aclose, check_source, close, is_async, iterated
from . import completions, converse, messages, responses, strands
from .message import Chunk, Message

PASSED = {
    *("start", "start-step", "finish-step", "finish", "abort", "message-metadata"),
    *("text-start", "text-delta", "text-end"),
    *("reasoning-start", "reasoning-delta", "reasoning-end"),
    *("tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error"),
    *("tool-output-available", "tool-output-error", "tool-output-denied"),
    *("tool-approval-request", "source-url", "source-document", "file"),
}
"""Types of the chunks that a source may give among its events, as a tool's output."""


@overload
def ui_message_chunks(
    source: AsyncIterable[Any] | AbstractAsyncContextManager[AsyncIterable[Any]],
    *,
    message_id: str | None = None,
) -> AsyncIterator[Chunk]: ...


@overload
def ui_message_chunks(
    source: Iterable[Any] | AbstractContextManager[Iterable[Any]],
    *,
    message_id: str | None = None,
) -> Iterator[Chunk]: ...


def ui_message_chunks(
    source: Source[Any], *, message_id: str | None = None
) -> Iterator[Chunk] | AsyncIterator[Chunk]:
    """Return the events of *source* as chunks of one UI message, each answer a step of it.

    The events are those of OpenAI's `responses` and `chat.completions`, of Anthropic's `messages`,
    of Bedrock's `converse_stream` and of Strands Agents, as the SDKs give them or as dicts. Chunks
    that are chunks already pass. What the source raises is told in a chunk and raised.
    *message_id* is the first answer's, where that has one, unless given.
    Raises `InvalidSource`.
    """
    check_source(source)
    message = Message(message_id)
    if is_async(source):
        return _in_tasks(cast(AsyncIterable[Any], iterated(source)), message)
    return _in_threads(cast(Iterable[Any], iterated(source)), message)


def _in_threads(source: Iterable[Any], message: Message) -> Iterator[Chunk]:
    try:
        for item in source:
            yield from _chunks(message, item)
        yield from message.finish()
    except Exception as error:
        yield from message.fail(said(error))
        raise
    finally:
        close(source)


async def _in_tasks(source: AsyncIterable[Any], message: Message) -> AsyncIterator[Chunk]:
    try:
        async for item in source:
            for chunk in _chunks(message, item):
                yield chunk
        for chunk in message.finish():
            yield chunk
    except Exception as error:
        for chunk in message.fail(said(error)):
            yield chunk
        raise
    finally:
        await aclose(source)


def _chunks(message: Message, item: object) -> Iterator[Chunk]:
    """Yield what *item* adds to *message*: nothing where it says nothing that is known."""
    event = jsonable(item) if hasattr(type(item), "model_dump") else item
    if not isinstance(event, dict):
        raise InvalidSource(f"an event must be an object, not {type(item).__name__}")
    match event:
        case {"object": "chat.completion.chunk"}:
            return completions.of_completions(message, event)
        case {"type": "error"}:
            return message.fail(_trouble(event))
        case {"type": str(kind)} if kind in PASSED or kind.startswith("data-"):
            return message.let_pass(event)
        case {"type": str(kind)} if kind in messages.TYPES:
            return messages.of_messages(message, event)
        case {"type": str(kind)} if kind.startswith(responses.PREFIX):
            return responses.of_responses(message, event)
        case {"event": dict(inner)}:
            return converse.of_converse(message, inner)
        case {"message": {"content": list(content)}}:
            return strands.results_in(content)
    if not converse.TYPES.isdisjoint(event):
        return converse.of_converse(message, event)
    return iter(())


def _trouble(event: Mapping[str, Any]) -> str:
    """Return what an error says: a chunk's, Anthropic's or OpenAI's."""
    match event:
        case {"errorText": str(text)} | {"error": {"message": str(text)}} | {"message": str(text)}:
            return text
    return "error"
