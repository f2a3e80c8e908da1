"""Real processes that are killed at every call of their store, and what is found afterwards."""

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from runstreams.core.log import Log
from runstreams.core.model import StoredChunk, StreamId
from tests.emulators.place import fresh_place
from tests.soak.killed_writer import CLIENT, LAST, log_of, opened, stream_of, write

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

ALL = list(range(LAST + 1))


@pytest.mark.parametrize("kind", ["sqlite", "inline", "objects"])
async def test_a_writer_killed_at_every_moment_loses_and_doubles_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whatever is acknowledged is readable; resumed, every chunk is there once and in order."""
    where = str(tmp_path) if kind == "sqlite" else aws_place(request)
    await be_killed(kind, where, count(1))


@pytest.mark.parametrize("kind", ["inline", "objects"])
async def test_on_the_other_emulator_it_does_not_either(kind: str, moto_endpoint: str) -> None:
    """It is slow: each run takes every seventeenth moment, from another one on."""
    made = fresh_place(moto_endpoint)
    where = f"{made.endpoint},{made.bucket},{made.table}"
    await be_killed(kind, where, count(random.randint(1, 17), 17))


async def be_killed(kind: str, where: str, moments: Iterator[int]) -> None:
    """Kill a writer of its own at each of *moments* until it lives that long no more, and look at
    what is there.
    """
    store = opened(kind, where)
    log = log_of(kind, store)
    for kill_at in moments:
        acknowledged, killed = live(kind, where, kill_at)
        stream = stream_of(kill_at)
        found = await own_chunks(log, stream)
        assert found == ALL[: len(found)]
        assert len(found) > acknowledged
        assert await log.last_number(stream, CLIENT) == len(found) - 1
        if len(found) <= LAST:
            await write(log, stream)
        assert await own_chunks(log, stream) == ALL
        if not killed:
            break
    assert kill_at > 100, "the writer passes more moments than that"
    await log.aclose()


def aws_place(request: pytest.FixtureRequest) -> str:
    """Return a place in an emulator, as the writer takes it."""
    made = fresh_place(request.getfixturevalue("quick_aws_endpoint"))
    return f"{made.endpoint},{made.bucket},{made.table}"


def live(kind: str, where: str, kill_at: int) -> tuple[int, bool]:
    """Let a writer live until its moment; return its last acknowledged chunk, and whether it was
    killed.
    """
    command = [sys.executable, "-m", "tests.soak.killed_writer", kind, where, str(kill_at)]
    life = subprocess.run(command, capture_output=True, text=True, check=False)
    assert life.returncode in (0, -9), life.stderr
    return max(map(int, life.stdout.split()), default=-1), life.returncode != 0


async def own_chunks(log: Log, stream: StreamId) -> list[int]:
    """Return the numbers of the writer's chunks, from a stream whose indexes have no gap."""
    chunks: list[StoredChunk] = []
    while head := await log.head(stream, since=len(chunks)):
        page = await log.cursor(stream).page(head, len(chunks))
        if not page.chunks:
            break
        chunks += page.chunks
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    return [int(chunk.data) for chunk in chunks if chunk.data != b'"guest"']
