"""The async SDK: the names of `runstreams`, awaited."""

from .sdk.aio import Defined, Piped, Reader, Writer
from .sdk.clients import AsyncClient, auth, configure
from .sdk.clients import async_streams as streams
from .sdk.records import Ended, Part, RunInfo, StreamInfo
from .sdk.retrying import Retries
from .sdk.runs import Run
from .sdk.settings import Timeouts
from .sdk.transport import Transport
from .sdk.writing.buffer import Batching

__all__ = [
    "AsyncClient",
    "Batching",
    "Defined",
    "Ended",
    "Part",
    "Piped",
    "Reader",
    "Retries",
    "Run",
    "RunInfo",
    "StreamInfo",
    "Timeouts",
    "Transport",
    "Writer",
    "auth",
    "configure",
    "streams",
]
