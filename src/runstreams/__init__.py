"""Durable, resumable streams for anything that runs.

`from runstreams import streams` is the sync SDK, `from runstreams.aio import streams` the async
one.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .core.model import Closed, RunInfo, StreamInfo
    from .errors import *  # noqa: F403
    from .sdk.clients import AsyncClient, Client, auth, configure, streams
    from .sdk.records import Chunk, RunChunk
    from .sdk.retrying import Retries
    from .sdk.runs import Run
    from .sdk.settings import Timeouts
    from .sdk.sync import Defined, Piped, Reader, RunReader, Writer
    from .sdk.transport import Transport
    from .sdk.writing.buffer import Batching

__all__ = [
    "AsyncClient",
    "Batching",
    "Chunk",
    "Client",
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
    "streams",
]

_PLACES = {
    "AsyncClient": "sdk.clients",
    "Batching": "sdk.writing.buffer",
    "Chunk": "sdk.records",
    "Client": "sdk.clients",
    "Closed": "core.model",
    "Defined": "sdk.sync",
    "Piped": "sdk.sync",
    "Reader": "sdk.sync",
    "Retries": "sdk.retrying",
    "Run": "sdk.runs",
    "RunChunk": "sdk.records",
    "RunInfo": "core.model",
    "RunReader": "sdk.sync",
    "StreamInfo": "core.model",
    "Timeouts": "sdk.settings",
    "Transport": "sdk.transport",
    "Writer": "sdk.sync",
    "auth": "sdk.clients",
    "configure": "sdk.clients",
    "streams": "sdk.clients",
}


def __getattr__(name: str) -> Any:
    # Only when it is asked for: a server or a Lambda function imports this package too, and needs
    # nothing of the SDK.
    from importlib import import_module

    # Each error of `runstreams.errors` is here as well, where tracebacks say that it is.
    module = import_module(f".{_PLACES.get(name, 'errors')}", __name__)
    if name not in _PLACES and name not in module.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(module, name)
    return found
