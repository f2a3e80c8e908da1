"""The async SDK: the names of `runstreams`, awaited."""

from .sdk.clients import AsyncClient, auth, configure
from .sdk.clients import async_streams as streams
from .sdk.outbox import Batching
from .sdk.records import Ended, Part, RunInfo, StreamInfo
from .sdk.retrying import Retries
from .sdk.settings import Timeouts

__all__ = [
    "AsyncClient",
    "Batching",
    "Ended",
    "Part",
    "Retries",
    "RunInfo",
    "StreamInfo",
    "Timeouts",
    "auth",
    "configure",
    "streams",
]
