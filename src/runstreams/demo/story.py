"""What happens in the demo: two writers and a progress stream, a cut connection, live readers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from .documents import tokens
from .screen import Screen
from .wire import Received, Stream
from .writing import Writer

RUN = "run_demo"
DOCUMENTS = ("keeping", "reading")
_TOKENS = 500
"""Of each document; at the pace below they last about eight seconds."""

_PACE = 0.015
STEPS = 16
_CUT_AT = 200
"""The chunk in whose middle the second writer's connection is cut."""


@dataclass
class Told:
    """What was sent, and what two readers saw of it while it was."""

    text: Stream
    sent: Mapping[str, Sequence[str]]
    resumed: Mapping[str, list[int]]
    seen: list[Received] = field(default_factory=list)
    steps: list[Received] = field(default_factory=list)


async def tell(http: httpx.AsyncClient, screen: Screen) -> Told:
    """Write two documents to one stream and the progress to another, and follow both live."""
    text, progress = Stream(http, RUN, "text"), Stream(http, RUN, "progress")
    sent = {name: tokens(name, _TOKENS) for name in DOCUMENTS}
    writers = [Writer(text, name, _PACE) for name in sent]
    told = Told(text, sent, {writer.client: writer.resumed for writer in writers})
    async with asyncio.TaskGroup() as readers:
        readers.create_task(_follow_text(text, told.seen, screen))
        readers.create_task(_follow_steps(progress, told.steps, screen))
        async with asyncio.TaskGroup() as tasks:
            for writer in writers:
                tasks.create_task(_write(writer, sent[writer.client], screen))
            tasks.create_task(_count(progress))
        await text.close()
        await progress.close()
    return told


async def _write(writer: Writer, words: Sequence[str], screen: Screen) -> None:
    def on_cut(resume: int) -> None:
        screen.note(
            f"✂ The connection of “{writer.client}” was cut in the middle of chunk {_CUT_AT}. "
            f"Chunks 0 to {resume - 1} are safe; it goes on with {resume}."
        )

    chunks = [{"by": writer.client, "text": word} for word in words]
    await writer.pipe(chunks, _CUT_AT if writer.client == "reading" else None, on_cut)


async def _count(progress: Stream) -> None:
    steps = [{"done": step, "of": STEPS} for step in range(1, STEPS + 1)]
    await Writer(progress, "counter", _TOKENS * _PACE / STEPS).pipe(steps)


async def _follow_text(stream: Stream, seen: list[Received], screen: Screen) -> None:
    async for chunk in stream.follow():
        seen.append(chunk)
        screen.text(chunk.data["by"], chunk.data["text"])


async def _follow_steps(stream: Stream, seen: list[Received], screen: Screen) -> None:
    async for chunk in stream.pages():
        seen.append(chunk)
        screen.progress(chunk.data["done"], chunk.data["of"])
