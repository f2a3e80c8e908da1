"""A process with an agent of Strands, which asks a model of Bedrock and may call a tool.

    python strands_program.py MODEL

It writes into the run `run_strands_MODEL`: `events`, then `ui`, however the first one ends.
"""

import asyncio
import sys
from contextlib import suppress

from strands import Agent, tool
from strands.models import BedrockModel

from runstreams.ai import strands_events, ui_message_chunks
from runstreams.aio import streams

QUESTION = "How warm is it?"


@tool
def weather(city: str) -> str:
    """Return the weather in a city.

    Args:
        city: Where.
    """
    return "warm"


async def main(model: str) -> None:
    agent = Agent(model=BedrockModel(model_id=model), tools=[weather], callback_handler=None)
    run = f"run_strands_{model}"
    piped = streams.pipe("events", strands_events(agent.stream_async(QUESTION)), target=run)
    with suppress(Exception):
        await piped.wait_until_complete()
    agent.messages.clear()
    await streams.pipe(
        "ui", ui_message_chunks(agent.stream_async(QUESTION)), target=run
    ).wait_until_complete()


asyncio.run(main(sys.argv[1]))
