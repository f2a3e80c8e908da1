"""A small client of the wire protocol: what any program needs to write and read a stream."""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Received:
    """One chunk as a reader gets it."""

    index: int
    data: Any


class Stream:
    """One stream of a server, by its run and key."""

    def __init__(self, http: httpx.AsyncClient, run: str, key: str) -> None:
        self.run, self.key = run, key
        self._http = http
        self._write = f"/realtime/v1/streams/{run}/self/{key}"
        self._read = f"/realtime/v1/streams/{run}/{key}"

    async def create(self) -> None:
        (await self._http.put(self._write)).raise_for_status()

    async def pipe(self, client: str, start: int, lines: AsyncIterable[bytes]) -> None:
        """Send *lines*, one chunk each, in one request that lasts as long as they come.

        *start* is this client's own number of the first one: what is stored already is not stored
        again.
        """
        headers = {"X-Client-Id": client, "X-Resume-From-Chunk": str(start)}
        (await self._http.post(self._write, headers=headers, content=lines)).raise_for_status()

    async def last_number(self, client: str) -> int:
        """Ask which of its chunks *client* got through; -1 if none."""
        answer = await self._http.head(self._write, headers={"X-Client-Id": client})
        return int(answer.raise_for_status().headers["X-Last-Chunk-Index"])

    async def close(self) -> None:
        answer = await self._http.post(f"{self._write}/close", json={"status": "completed"})
        answer.raise_for_status()

    async def follow(self) -> AsyncIterator[Received]:
        """Yield every chunk from the first one on, as it comes, until the stream is closed."""
        headers = {"Accept": "text/event-stream"}
        async with self._http.stream("GET", self._read, headers=headers) as answer:
            answer.raise_for_status()
            event = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "batch":
                    for record in json.loads(value)["records"]:
                        yield Received(record["seq_num"], json.loads(record["body"])["data"])
                elif not line:
                    event = ""

    async def pages(self, start: int = 0) -> AsyncIterator[Received]:
        """Yield every chunk from *start* on, by long poll, until the stream is closed."""
        while True:
            answer = await self._http.get(self._read, params={"start": start, "wait": 20})
            page = answer.raise_for_status().json()
            for chunk in page["chunks"]:
                yield Received(chunk["index"], chunk["data"])
            start = page["next_index"]
            if page["closed"]:
                return
