"""Several processes behind one port: what one commits wakes readers of all, and one may die."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runstreams.serve.workers import shared

from .process import START_SECONDS, ServerProcess, run_to_end
from .wire import sse
from .workers import PATH, append, check_all_there, read, until_again, workers_of

WRITERS = 32
CHUNKS = 20

WITHOUT_TICKS = (
    sys.executable,
    "-c",
    "import sys; from runstreams.core import waiting; waiting.CHANGE_CHECK_SECONDS = 3600;"
    "from runstreams.cli import main; sys.exit(main(sys.argv[1:]))",
    "serve",
)
"""The server, with nothing but nudges to tell it of other processes' commits."""


@contextmanager
def only(server: ServerProcess, worker: int) -> Iterator[None]:
    """Have nobody but *worker* take connections."""
    others = [one for one in workers_of(server) if one != worker]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


async def test_a_commit_at_one_worker_wakes_readers_of_another(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "2", command=WITHOUT_TICKS) as server:
        one, two = workers_of(server)
        with only(server, one):
            reader = await sse(server, f"{PATH}/k")
        with only(server, two):
            answer = server.http.post(f"{PATH}/self/k/append", content="first")
            answer.raise_for_status()
        async with asyncio.timeout(START_SECONDS):
            await reader.until(b"first")
            server.http.post(f"{PATH}/self/k/append", content="second").raise_for_status()
            await reader.until(b"second")
        await reader.close()


async def test_nothing_is_lost_doubled_or_reordered_when_a_worker_is_killed(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "4") as server:
        server.http.post(f"{PATH}/self/k").raise_for_status()
        who = server.url, server.headers
        readers = [asyncio.create_task(read(*who, WRITERS * CHUNKS)) for _ in range(4)]
        writers = [asyncio.create_task(append(*who, one, CHUNKS)) for one in range(WRITERS)]
        dead = workers_of(server)[1]
        await asyncio.wait(writers, timeout=0.3)
        os.kill(dead, signal.SIGKILL)
        await asyncio.gather(*writers)
        all_read = await asyncio.gather(*readers)
        await asyncio.to_thread(until_again, server, 4, dead)
    assert all(got == all_read[0] for got in all_read)
    check_all_there(all_read[0], WRITERS, CHUNKS)


def test_a_dead_worker_is_replaced_with_a_line(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "4") as server:
        dead = workers_of(server)[0]
        os.kill(dead, signal.SIGKILL)
        until_again(server, 4, dead)
        assert server.stop() == 0
        log = server.log()
    assert log.startswith(f"runstreams: worker {dead} ended by signal 9")
    assert log.count("\n") == 1


def test_one_that_dies_at_once_makes_its_successors_wait(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "2") as server:
        for _ in range(2):
            dead = workers_of(server)[0]
            os.kill(dead, signal.SIGKILL)
            until_again(server, 2, dead)
        assert server.stop() == 0
        first, second = server.log().splitlines()
    assert "in 0.1 s another takes its place" in first
    assert "in 0.2 s another takes its place" in second


def test_a_second_signal_ends_also_a_worker_that_hears_none(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "2") as server:
        deaf = workers_of(server)[0]
        os.kill(deaf, signal.SIGSTOP)
        try:
            server.process.send_signal(signal.SIGTERM)
            until_one_has_gone(server)
            assert server.stop() == 0
        finally:
            with suppress(ProcessLookupError):
                os.kill(deaf, signal.SIGCONT)


def until_one_has_gone(server: ServerProcess) -> None:
    """Return when the parent has heard the first signal, and so has the other worker."""
    deadline = time.monotonic() + START_SECONDS
    while len(workers_of(server)) == 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_all_of_them_drains_all(tmp_path: Path, number: int) -> None:
    """As systemd and a terminal send it."""
    with ServerProcess(tmp_path / "d", "--workers", "2") as server:
        workers = workers_of(server)
        server.http.post(f"{PATH}/self/k/append", content="x").raise_for_status()
        reader = await sse(server, f"{PATH}/k")
        for worker in workers:
            os.kill(worker, number)
        server.process.send_signal(number)
        assert b"event: error" in await reader.rest()
        await reader.close()
        assert server.process.wait(START_SECONDS) == 0
        assert server.log() == ""
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "d", "--workers", "2") as server:
        server.kill()
        assert server.log() == ""  # its end comes when nobody can write to it any more


def test_workers_that_cannot_start_say_one_line(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "streams.sqlite").write_bytes(os.urandom(8192))
    done = run_to_end("serve", "--port", "0", "--workers", "4", "--data", str(tmp_path / "d"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"runstreams: cannot use {tmp_path / 'd'} as data folder: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("most", "share"), [(1000, 250), (3, 1), (0, 0)])
def test_a_limit_of_a_process_is_shared(most: int, share: int) -> None:
    assert shared(most, 4) == share
