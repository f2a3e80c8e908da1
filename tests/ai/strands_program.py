"""A process with an agent of Strands, which asks Bedrock and calls a tool."""

import asyncio

from strands import Agent, tool
from strands.models import BedrockModel

from runstreams.ai import strands_events, ui_message_chunks
from runstreams.aio import streams


@tool
def weather(city: str) -> str:
    """Return the weather in a city.

    Args:
        city: Where.
    """
    return "warm"


async def main() -> None:
    agent = Agent(model=BedrockModel(model_id="any"), tools=[weather], callback_handler=None)
    async with streams.run("run_strands"):
        piped = streams.pipe("events", strands_events(agent.stream_async("How warm is it?")))
        await piped.wait_until_complete()
        agent.messages.clear()
        streams.pipe("ui", ui_message_chunks(agent.stream_async("How warm is it?")))


asyncio.run(main())
