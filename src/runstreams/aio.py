"""The async SDK: the names of `runstreams`, awaited."""

from .core.model import Closed, RunInfo, StreamInfo
from .sdk.aio import Defined, Piped, Reader, RunReader, Writer
from .sdk.clients import AsyncClient, auth, configure
from .sdk.clients import async_streams as streams
from .sdk.lifespan import lifespan
from .sdk.records import Chunk, RunChunk
from .sdk.retrying import Retries
from .sdk.runs import Run
from .sdk.settings import Timeouts
from .sdk.transport import Transport
from .sdk.writing.buffer import Batching

__all__ = [
    "AsyncClient",
    "Batching",
    "Chunk",
    "Closed",
    "Defined",
    "Piped",
    "Reader",
    "Retries",
    "Run",
    "RunChunk",
    "RunInfo",
    "RunReader",
    "StreamInfo",
    "Timeouts",
    "Transport",
    "Writer",
    "auth",
    "configure",
    "lifespan",
    "streams",
]
