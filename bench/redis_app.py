"""What many teams build: FastAPI before Redis streams, with Redis's append-only file on.

`python -m bench.redis_app PORT FOLDER` starts a Redis of its own, which keeps its file in FOLDER
and listens on a socket there, and serves on PORT until it is told to stop. It checks no key and
recognises no resend.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

PAGE = 1000
"""Entries read at a time."""

WAIT_MS = 20_000

CONNECTIONS = 9_000
"""Redis takes 10,000."""

START_TRIES = 200
"""Each a twentieth of a second after the one before."""

Entries = list[tuple[bytes, dict[bytes, bytes]]]


def main(port: int, folder: Path) -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        application(folder, folder / "redis.sock"),
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="error",
        timeout_graceful_shutdown=1,
    )


def _redis_server(folder: Path, socket: Path) -> list[str]:
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--dir": str(folder),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
    }
    return ["redis-server", *(part for option in options.items() for part in option)]


def _connect(socket: Path) -> Redis:
    # The first request may come before Redis listens.
    retry = Retry(ConstantBackoff(0.05), START_TRIES)
    # Each reader that waits holds a connection.
    return Redis(unix_socket_path=str(socket), retry=retry, max_connections=CONNECTIONS)


def application(folder: Path, socket: Path) -> FastAPI:
    """Return the application, with a Redis for as long as it serves."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            *_redis_server(folder, socket), stdout=asyncio.subprocess.DEVNULL
        )
        yield
        process.terminate()
        await process.wait()

    app, redis = FastAPI(lifespan=lifespan), _connect(socket)

    @app.put("/streams/{name}", status_code=204)
    async def create(name: str) -> None:
        await redis.ping()

    @app.post("/streams/{name}", status_code=204)
    async def append(name: str, request: Request) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            for line in (await request.body()).splitlines():
                pipe.xadd(name, {b"d": line})
            await pipe.execute()

    @app.get("/streams/{name}", response_model=None)
    async def read(name: str, request: Request, after: str = "0", wait: bool = False) -> Response:
        if request.headers.get("accept") == "text/event-stream":
            return StreamingResponse(_events(redis, name), media_type="text/event-stream")
        entries = await _entries(redis, name, after.encode(), wait)
        chunks = b",".join(entry[b"d"] for _, entry in entries)
        last = entries[-1][0] if entries else after.encode()
        at_end = b"false" if len(entries) == PAGE else b"true"
        body = b'{"chunks":[%b],"last":"%b","at_end":%b}' % (chunks, last, at_end)
        return Response(body, media_type="application/json")

    return app


async def _events(redis: Redis, name: str) -> AsyncIterator[bytes]:
    last = b"0"
    while True:
        entries = await _entries(redis, name, last, wait=True)
        if entries:
            last = entries[-1][0]
            yield b"".join(b"id: %b\ndata: %b\n\n" % (id, entry[b"d"]) for id, entry in entries)


async def _entries(redis: Redis, name: str, after: bytes, wait: bool) -> Entries:
    found: Any = await redis.xread({name: after}, PAGE, WAIT_MS if wait else None)
    return found[0][1] if found else []


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
