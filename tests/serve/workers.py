"""The processes behind a server, as its parent has them; writers and readers that outlive them."""

import time
from contextlib import suppress
from pathlib import Path

import httpx

from .process import START_SECONDS, ServerProcess

PATH = "/realtime/v1/streams/run_1"


def workers_of(server: ServerProcess) -> list[int]:
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until_again(server: ServerProcess, count: int, *dead: int) -> None:
    """Return when others have taken the places of those *dead*, and there are *count* again."""
    deadline = time.monotonic() + START_SECONDS
    while len(found := workers_of(server)) < count or set(dead) & set(found):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def append(url: str, headers: dict[str, str], writer: int, chunks: int) -> None:
    """Append numbered chunks one by one, each again until it is acknowledged."""
    fields = {**headers, "X-Client-Id": f"w{writer}"}
    number = 0
    while number < chunks:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(base_url=url, headers=fields, timeout=60) as http:
                while number < chunks:
                    start = {"X-Resume-From-Chunk": str(number)}
                    line = f'"{writer}-{number}"\n'
                    answer = await http.post(f"{PATH}/self/k", headers=start, content=line)
                    answer.raise_for_status()
                    number += 1


async def read(url: str, headers: dict[str, str], count: int) -> list[str]:
    """Follow the stream by long polls until *count* chunks are there."""
    got: list[str] = []
    while len(got) < count:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
                where = {"start": len(got), "wait": 20}
                page = (await http.get(f"{PATH}/k", params=where)).raise_for_status().json()
                got += [chunk["data"] for chunk in page["chunks"]]
    return got


def check_all_there(got: list[str], writers: int, chunks: int) -> None:
    """Assert that each writer's chunks are there, once and in their order."""
    assert len(got) == writers * chunks
    for one in range(writers):
        mine = [data for data in got if data.startswith(f"{one}-")]
        assert mine == [f"{one}-{number}" for number in range(chunks)]
