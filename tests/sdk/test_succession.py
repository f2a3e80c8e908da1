"""Workers of one stream that die, or only seem to, each of which takes over from the one before.

Each goes on behind what it found stored: chunk i of the log is [whose life, i, N] if no late write
has come between, and nothing is missing. Where N is an index, those from there on were superseded
by it, and no reader sees them.
"""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from runstreams import Batching
from runstreams.aio import AsyncClient
from runstreams.errors import FencedOff, RolledBack, WriterError
from runstreams.sdk.aio import Successor
from tests.emulators.place import Place
from tests.react.building import PACKAGE, build
from tests.sdk.aio.helpers import read
from tests.sdk.in_tasks import PATIENCE
from tests.sdk.successor import superseded_by
from tests.serve.process import ServerProcess, clean_environ

KEY = "answer"

Live = Callable[[int], Awaitable[None]]


class Lives:
    """Workers in this process that are cancelled wherever they are, or go on though they were
    followed.
    """

    def __init__(self, client: AsyncClient, run: str) -> None:
        self.client, self.run = client, run
        self.acknowledged: dict[int, int] = {}
        """Whose each chunk is that was acknowledged, by its index."""
        self.left: list[asyncio.Task[bool]] = []
        """Those who were not stopped; each tells whether it was kept out."""

    async def live(self, life: int) -> None:
        """Take over, and end at a random moment: for good, or in the eyes of others only."""
        writer = await self.client.streams.take_over(KEY, target=self.run)
        writing = asyncio.create_task(self._write(life, writer))
        await asyncio.sleep(random.random() * 0.02)
        if random.random() < 0.5:
            self.left.append(writing)
            return
        writer._producer.abandon()
        assert not await writing

    async def _write(self, life: int, writer: Successor[Any]) -> bool:
        """Write until that fails; return whether it was kept out."""
        index = writer.next_index
        if (back := superseded_by(life, index)) is not None:
            writer.supersede(back)
        try:
            while True:
                await writer.write([life, index, back])
                await writer.drain()
                self.acknowledged[index] = life
                index, back = index + 1, None
        except FencedOff:
            return True
        except WriterError:
            return False


class Processes:
    """Workers in processes of their own: by turns one stands still until it was followed, and one
    is killed. Of those by turns one at any moment, at the earliest before it has taken over, and
    one after its first chunk, which on a slow machine is later than any moment that is named.
    """

    def __init__(self, server: ServerProcess, run: str) -> None:
        self.run = run
        self.acknowledged: dict[int, int] = {}
        self.before_a_chunk = 0
        """How many were killed before a chunk of theirs was acknowledged."""
        self.stopped: list[tuple[asyncio.subprocess.Process, asyncio.Task[str]]] = []
        """Those who stand still, and what they say last."""
        address = {"RUNSTREAMS_URL": server.url, "RUNSTREAMS_SECRET_KEY": server.secret}
        self._environ = clean_environ() | address

    async def live(self, life: int) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.sdk.successor", self.run, str(life)),
            stdout=asyncio.subprocess.PIPE,
            env=self._environ,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
        began = asyncio.Event()
        noting = asyncio.create_task(self._note(life, process, began))
        if life % 2 == 0:
            await began.wait()
            await self._wake()
            await asyncio.sleep(random.random() * 0.05)
            process.send_signal(signal.SIGSTOP)
            self.stopped.append((process, noting))
            return
        if life % 4 == 1:
            await began.wait()
        await asyncio.sleep(random.random() ** 2 * 0.1)
        process.kill()
        await process.wait()
        await noting
        self.before_a_chunk += not began.is_set()

    async def _wake(self) -> None:
        """Let those go on who were followed: each is kept out."""
        for process, noting in self.stopped:
            process.send_signal(signal.SIGCONT)
            assert await asyncio.wait_for(noting, PATIENCE) == "kept out"
            assert await process.wait() == 0
        self.stopped.clear()

    async def end(self) -> None:
        """Leave none behind that stands still."""
        for process, noting in self.stopped:
            process.kill()
            await noting
            await process.wait()

    async def _note(self, life: int, process: Any, began: asyncio.Event) -> str:
        last = ""
        async for line in process.stdout:
            last = line.decode().strip()
            if last.isdecimal():
                self.acknowledged[int(last)] = life
            began.set()
        return last


async def follow_each_other(client: AsyncClient, run: str, live: Live, lives: int) -> list[Any]:
    """Let so many *lives* follow each other, while somebody reads along; return the log, of which
    readers have seen what counts.
    """
    reader = asyncio.create_task(along(client, run))
    for life in range(lives):
        await live(life)
    async with await client.streams.take_over(KEY, target=run, close=True) as last:
        await last.write([lives, last.next_index, None])
    log = await read(client, run, KEY, superseded="keep")
    assert await reader == await read(client, run, KEY) == counting(log)
    return log


async def along(client: AsyncClient, run: str) -> list[Any]:
    """Return what somebody has in the end who reads from the beginning on, and takes back what
    no longer counts.
    """
    seen = list[Any]()
    reader = client.streams.read(run, KEY, timeout=60)
    while True:
        try:
            async for chunk in reader:
                seen.append(chunk)
            return seen
        except RolledBack as back:
            del seen[back.kept :]


def counting(log: list[Any]) -> list[Any]:
    """Return what counts of *log*, as that says itself."""
    superseded = {each for _, index, back in log if back is not None for each in range(back, index)}
    return [chunk for index, chunk in enumerate(log) if index not in superseded]


def check(log: list[Any], acknowledged: dict[int, int]) -> None:
    """Require that nobody has written late, and that nothing is lost that was acknowledged."""
    assert [index for _, index, _ in log] == list(range(len(log)))
    lives = [life for life, _, _ in log]
    assert lives == sorted(lives)
    assert {index: lives[index] for index in acknowledged} == acknowledged


async def in_this_process(client: AsyncClient, run: str, lives: int) -> None:
    async with client:
        workers = Lives(client, run)
        check(await follow_each_other(client, run, workers.live, lives), workers.acknowledged)
        assert all(await asyncio.gather(*workers.left))


def hasty(server: ServerProcess) -> AsyncClient:
    """Return a client that waits for no second chunk."""
    return AsyncClient(server.url, server.secret, batching=Batching(linger=0))


async def in_processes(server: ServerProcess, run: str, lives: int) -> Processes:
    async with AsyncClient(server.url, server.secret) as client:
        workers = Processes(server, run)
        try:
            log = await follow_each_other(client, run, workers.live, lives)
        finally:
            await workers.end()
        check(log, workers.acknowledged)
    return workers


async def test_readers_see_the_log_and_no_late_writes(server: ServerProcess, run: str) -> None:
    await in_this_process(hasty(server), run, 20)


async def test_a_process_that_stood_still_writes_nothing_after_it_was_followed(
    server: ServerProcess, run: str
) -> None:
    await in_processes(server, run, 3)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_thousand_workers_that_follow_each_other(server: ServerProcess, run: str) -> None:
    """900 in this process, half of which are cancelled and half go on; 100 in processes of their
    own, half of which are killed, and half stand still until they were followed.
    """
    await in_this_process(hasty(server), f"{run}_tasks", 900)
    workers = await in_processes(server, f"{run}_processes", 100)
    assert 0 < workers.before_a_chunk < 50


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.needs("node")
async def test_a_reader_in_javascript_rolls_back_with_them(server: ServerProcess, run: str) -> None:
    await asyncio.to_thread(build, PACKAGE)
    module = PACKAGE / "dist" / "reader.js"
    where = server.url, server.secret, run, KEY
    reader = await asyncio.create_subprocess_exec(
        "node",
        Path(__file__).with_name("along.mjs"),
        module,
        *where,
        stdout=asyncio.subprocess.PIPE,
    )
    await in_this_process(hasty(server), run, 100)
    output, _ = await asyncio.wait_for(reader.communicate(), PATIENCE)
    rolled_back, *seen = map(json.loads, output.splitlines())
    async with hasty(server) as client:
        assert seen == await read(client, run, KEY)
    assert rolled_back > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_workers_inside_of_aws_that_follow_each_other(
    aws_place: Place, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws_place.environment().items():
        monkeypatch.setenv(name, value)
    where = {"bucket": aws_place.bucket, "table": aws_place.table}
    await in_this_process(AsyncClient.direct(**where, batching=Batching(linger=0)), run, 100)
