"""A writer that survives a broken connection: it asks how far it got, and goes on from there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx

from .wire import Stream


class Cut(Exception):
    """The connection is to be cut, here."""


class Writer:
    """Pipes chunks into a stream at a steady pace, under a client id of its own."""

    def __init__(self, stream: Stream, client: str, pace: float) -> None:
        self.client = client
        self.resumed: list[int] = []
        """Where it went on, each time its connection had broken."""
        self._stream, self._pace = stream, pace

    async def pipe(
        self,
        chunks: Sequence[Any],
        cut_at: int | None = None,
        on_cut: Callable[[int], None] = lambda resume: None,
    ) -> None:
        """Send all *chunks*; with *cut_at*, break the connection in the middle of that chunk."""
        await self._stream.create()
        start = 0
        while True:
            lines = self._lines(chunks, start, None if self.resumed else cut_at)
            try:
                return await self._stream.pipe(self.client, start, lines)
            except (Cut, httpx.TransportError):
                start = await self._stream.last_number(self.client) + 1
                self.resumed.append(start)
                on_cut(start)

    async def _lines(
        self, chunks: Sequence[Any], start: int, cut_at: int | None
    ) -> AsyncIterator[bytes]:
        for number in range(start, len(chunks)):
            line = json.dumps(chunks[number]).encode() + b"\n"
            if number == cut_at:
                yield line[: len(line) // 2]
                raise Cut  # httpx then closes the socket: the request's body never ends
            yield line
            await asyncio.sleep(self._pace)
