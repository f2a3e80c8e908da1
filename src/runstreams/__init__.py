"""Durable, resumable streams for anything that runs.

`from runstreams import streams` is the sync SDK, `from runstreams.aio import streams` the async
one.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .sdk.clients import AsyncClient, Client, auth, configure, streams
    from .sdk.records import Ended, Part, RunInfo, StreamInfo
    from .sdk.retrying import Retries
    from .sdk.runs import Run
    from .sdk.settings import Timeouts
    from .sdk.sync import Defined, Piped, Reader, Writer
    from .sdk.transport import Transport
    from .sdk.writing.buffer import Batching

__all__ = [
    "AsyncClient",
    "Batching",
    "Client",
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

_PLACES = {
    "AsyncClient": "clients",
    "Batching": "writing.buffer",
    "Client": "clients",
    "Defined": "sync",
    "Ended": "records",
    "Part": "records",
    "Piped": "sync",
    "Reader": "sync",
    "Retries": "retrying",
    "Run": "runs",
    "RunInfo": "records",
    "StreamInfo": "records",
    "Timeouts": "settings",
    "Transport": "transport",
    "Writer": "sync",
    "auth": "clients",
    "configure": "clients",
    "streams": "clients",
}


def __getattr__(name: str) -> Any:
    # Only when it is asked for: a server or a Lambda function imports this package too, and needs
    # nothing of the SDK.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f".sdk.{_PLACES[name]}", __name__), name)
    globals()[name] = found
    return found
