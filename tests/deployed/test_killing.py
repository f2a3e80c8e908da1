"""Functions that are killed in the middle of what they do, and the SDK beyond their gateway."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from runstreams import Client, Retries
from runstreams.aio import AsyncClient
from tests.deployed.stack import Stack

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.needs("sam", "ministack"),
    pytest.mark.timeout(400),
]

QUICKLY = Retries(first=0.02, longest=0.2)
PIPES = 3
CHUNKS = 120
"""So many each pipe sends."""

KILLS = range(30, PIPES * CHUNKS, 90)
"""After so many chunks have been read, all processes are killed, readers' and writers'."""


async def steadily(pipe: int) -> AsyncIterator[list[int]]:
    for number in range(CHUNKS):
        yield [pipe, number]
        await asyncio.sleep(0.01)


def append_until(over: asyncio.Event, stack: Stack, run: str) -> list[int]:
    """Append numbers, each when the one before it is stored, and return what was acknowledged."""
    with Client(stack.url, stack.secret, retries=QUICKLY) as client:
        indexes = []
        while not over.is_set():
            indexes.append(client.streams.append("log", len(indexes), target=run))
    return indexes


async def test_what_was_acknowledged_is_there_once_whatever_is_killed(
    stack: Stack, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Pipes resume, a reader reads on, and appends are sent again: nobody has to know."""
    caplog.set_level(logging.INFO, "runstreams")
    over, found = asyncio.Event(), list[list[int]]()
    appending = asyncio.create_task(asyncio.to_thread(append_until, over, stack, run))
    async with AsyncClient(stack.url, stack.secret, retries=QUICKLY) as client:
        pipes = [client.streams.pipe("out", steadily(pipe), target=run) for pipe in range(PIPES)]
        reader = client.streams.read(run, "out", timeout=None)
        try:
            while len(found) < PIPES * CHUNKS:
                found.append(await anext(reader))
                if len(found) in KILLS:
                    assert stack.kill_environments()
        finally:
            over.set()
        await reader.aclose()
        lasts = [await piped.wait_until_complete() for piped in pipes]
        again = [chunk async for chunk in client.streams.read(run, "out", timeout=0)]
        log = [number async for number in client.streams.read(run, "log", timeout=0)]
    assert "trying again" in caplog.text, "nobody was hit"
    assert again == found
    for pipe in range(PIPES):
        assert [number for by, number in found if by == pipe] == list(range(CHUNKS))
    assert [found[last] for last in lasts if last is not None] == [
        [pipe, CHUNKS - 1] for pipe in range(PIPES)
    ]
    assert await appending == log == list(range(len(log)))
