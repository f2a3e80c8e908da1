"""A load balancer, as far as connections can tell: each goes to the server that has fewest of them,
and breaks when its server does.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Balancer:
    """Before the servers at *ports*, which come and go."""

    def __init__(self) -> None:
        self.ports: set[int] = set()
        self.open = Counter[int]()
        """Connections by port."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve while the body runs; give the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _serve(self, *client: *Streams) -> None:
        untried = set(self.ports)
        while untried:
            port = min(untried, key=lambda port: self.open[port])
            untried.remove(port)
            with suppress(OSError), self._counted(port):
                server = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_copy(client[0], server[1]), _copy(server[0], client[1]))
                return
        client[1].close()

    @contextmanager
    def _counted(self, port: int) -> Iterator[None]:
        """Count a connection from its choice on, so that those that come at once see each other."""
        self.open[port] += 1
        try:
            yield
        finally:
            self.open[port] -= 1


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until one of them ends, and then end the other."""
    with suppress(OSError):
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
    target.close()
