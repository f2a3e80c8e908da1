"""How each API is asked, by its provider's own package."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from . import formats
from .answers import ANSWERS

QUESTION = [{"role": "user", "content": "Which?"}]


def responses(model: str, kind: str = "OpenAI") -> Any:
    """Return what asks OpenAI's Responses, with its client."""
    import openai

    client = getattr(openai, kind)(max_retries=0)
    return client, client.responses.create(model=model, input="Which?", stream=True)


def completions(model: str, kind: str = "OpenAI") -> Any:
    """Return what asks OpenAI's Chat Completions, with its client."""
    import openai

    client = getattr(openai, kind)(max_retries=0)
    return client, client.chat.completions.create(model=model, messages=QUESTION, stream=True)


def messages(model: str, kind: str = "Anthropic") -> Any:
    """Return what asks Anthropic's Messages, with its client."""
    import anthropic

    client = getattr(anthropic, kind)(max_retries=0)
    asked = {"model": model, "messages": QUESTION, "max_tokens": 100}
    return client, client.messages.create(**asked, stream=True)


def bedrock(model: str) -> Any:
    """Return the events of Bedrock's ConverseStream."""
    import boto3

    asked = [{"role": "user", "content": [{"text": "Which?"}]}]
    client = boto3.client("bedrock-runtime")
    return client.converse_stream(modelId=model, messages=asked)["stream"]


class Api(NamedTuple):
    """One of them."""

    ask: Callable[..., Any]
    speak: Callable[..., Iterator[str]]
    async_client: str

    def events(self, model: str) -> Iterator[Any]:
        """Yield the events of an answer, and close the client."""
        client, stream = self.ask(model)
        with client:
            yield from stream

    async def async_events(self, model: str) -> AsyncIterator[Any]:
        """Yield the events of an answer to the async client."""
        client, asking = self.ask(model, self.async_client)
        async with client:
            async for event in await asking:
                yield event

    def wire(self, model: str) -> list[Any]:
        """Return what comes over the wire, but for what says nothing."""
        lines = "".join(self.speak(ANSWERS[model])).splitlines()
        data = (line.removeprefix("data: ") for line in lines if line.startswith("data: "))
        events = [json.loads(each) for each in data if each != "[DONE]"]
        return [event for event in events if event.get("type") != "ping"]


APIS = {
    "responses": Api(responses, formats.responses, "AsyncOpenAI"),
    "completions": Api(completions, formats.completions, "AsyncOpenAI"),
    "messages": Api(messages, formats.messages, "AsyncAnthropic"),
}
