"""What a `Transport` is asked with and answers, for whoever reaches the streams in another way."""

from .core.errors import NoEventStream
from .core.leasing import Claim
from .core.model import RunPage, RunStatus, Span, Status, StreamId, StreamPage
from .sdk.records import (
    ChunkPage,
    Receipt,
    RunItem,
    RunItems,
    Sharing,
    SignOfLife,
    TakenOver,
)
from .sdk.transport import Transport

__all__ = [
    "ChunkPage",
    "Claim",
    "NoEventStream",
    "Receipt",
    "RunItem",
    "RunItems",
    "RunPage",
    "RunStatus",
    "Sharing",
    "SignOfLife",
    "Span",
    "Status",
    "StreamId",
    "StreamPage",
    "TakenOver",
    "Transport",
]
