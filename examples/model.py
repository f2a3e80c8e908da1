"""A model that is made up: it answers like OpenAI's client does, word by word, without a network.

In its place goes `openai.OpenAI()` or `openai.AsyncOpenAI()`: their chunks are pydantic models,
which can be piped as well.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

WORDS = re.compile(r"\S+\s*")

ANSWERS = {
    "What is a stream?": "A stream is a sequence of chunks that only ever grows at its end.",
    "Who reads it?": "Anybody who may, from any index, live or much later.",
}


@dataclass(frozen=True)
class Delta:
    content: str | None


@dataclass(frozen=True)
class Choice:
    delta: Delta
    finish_reason: str | None = None


@dataclass(frozen=True)
class CompletionChunk:
    """What one step of a completion is in OpenAI's API, as far as it is used here."""

    choices: list[Choice]


def completion(question: str, pause: float = 0.02) -> Iterator[CompletionChunk]:
    """Stand for `client.chat.completions.create(..., stream=True)`."""
    for chunk in _chunks(question):
        time.sleep(pause)
        yield chunk


async def async_completion(question: str, pause: float = 0.02) -> AsyncIterator[CompletionChunk]:
    """Stand for the same call of the async client."""
    for chunk in _chunks(question):
        await asyncio.sleep(pause)
        yield chunk


def _chunks(question: str) -> Iterator[CompletionChunk]:
    words = WORDS.findall(ANSWERS.get(question, f"You have asked: {question}"))
    for word in words:
        yield CompletionChunk([Choice(Delta(word))])
    yield CompletionChunk([Choice(Delta(None), finish_reason="stop")])
