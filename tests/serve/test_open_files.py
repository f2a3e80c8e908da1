"""Open files: as many as this process may have, and when none is left, others wait."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from .process import ServerProcess, may_raise_hard_limits, with_files
from .wire import Connection, head, sse

SCRIPT = """
import os, resource
from runstreams.serve.open_files import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
os.setuid({user})
print(raise_limit(4096))
"""
NOBODY = 65_534


def raised(soft: int, hard: int, user: int | None = None) -> int:
    script = SCRIPT.format(soft=soft, hard=hard, user=os.getuid() if user is None else user)
    return int(subprocess.check_output([sys.executable, "-c", script]))


def test_a_soft_limit_is_raised_as_far_as_wanted() -> None:
    assert raised(256, 8192) == 4096


def test_a_higher_limit_is_left_alone() -> None:
    assert raised(8192, 8192) == 8192


def test_root_raises_the_hard_limit_too() -> None:
    """In some containers not even root may."""
    assert raised(256, 1024) == (4096 if may_raise_hard_limits() else 1024)


def test_nobody_gets_no_more_than_the_hard_limit() -> None:
    user = NOBODY if os.getuid() == 0 else os.getuid()
    assert raised(256, 1024, user) == 1024


RUN = "/realtime/v1/streams/run_1"
FILES = 64
TOO_MANY = 80

TELLING = """
import sys
from runstreams.cli import main
from runstreams.serve.open_files import NoFileLeft

handle = NoFileLeft.__call__
def tell(*what):
    print("in vain", file=sys.stderr)
    handle(*what)
NoFileLeft.__call__ = tell
sys.exit(main())
"""
"""`runstreams`, which writes each time that the event loop finds no file left."""


async def append(server: ServerProcess, writer: Connection) -> bytes:
    """Append over a connection that is there already; return the answer's head."""
    path = f"{RUN}/self/k/append"
    await writer.send(head(server, "POST", path, **{"Content-Length": "4"}) + b"news")
    answer = await writer.until(b"}")
    return answer.partition(b"\r\n")[0]


async def test_where_no_file_is_left_those_who_are_there_are_served_and_others_wait(
    tmp_path: Path,
) -> None:
    command = with_files(FILES, [sys.executable, "-c", TELLING, "serve"])
    with ServerProcess(tmp_path / "data", command=command) as server:
        writer = await Connection.to(server)
        assert await append(server, writer) == b"HTTP/1.1 200 OK"
        crowd = [asyncio.create_task(sse(server, f"{RUN}/k")) for _ in range(TOO_MANY)]
        served: set[asyncio.Task[Connection]] = set()
        while len(served) < FILES // 2:
            served, others = await asyncio.wait(crowd, return_when="FIRST_COMPLETED", timeout=30)
        await asyncio.sleep(1.5)  # asyncio looks once a second whether a file is free
        served, others = await asyncio.wait(crowd, timeout=0)
        assert FILES // 2 < len(served) < FILES
        assert await append(server, writer) == b"HTTP/1.1 200 OK"
        for task in served:
            assert b'"seq_num":1' in await task.result().until(b'"seq_num":1')
            task.result().cut()
        for connection in await asyncio.wait_for(asyncio.gather(*others), 30):
            await connection.close()
        await writer.close()
        assert await asyncio.to_thread(server.stop) == 0
        log = server.log().splitlines()
    in_vain = log.count("in vain")
    few, none = (line for line in log if line != "in vain")
    assert 1 <= in_vain < TOO_MANY
    assert "only 64 files may be open" in few
    assert "all of 64 files are open" in none
