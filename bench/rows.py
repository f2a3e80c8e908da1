"""The rows of the table, in their order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from . import appending, delivering, replaying
from .figures import Figure
from .sdk import sdk
from .target import Target
from .wire import OPEN

KIB = 1024
SIZES = {100: "100 B", KIB: "1 KiB", 64 * KIB: "64 KiB"}
READERS = (1, 10, 100, 1000, 5000)


def _any(server: str) -> bool:
    return True


def _ours(server: str) -> bool:
    """Say whether *server* is asked for what only our own protocol and our SDK have."""
    return server.startswith("runstreams") and OPEN not in server


def _keeps(server: str) -> bool:
    return "floor" not in server


def _holds(readers: int, listen: bool, server: str) -> bool:
    """Say whether *server* serves so many: before Redis, each poll takes a connection to it, and
    thousands at once are not answered within the load's patience.
    """
    return listen or readers <= 1000 or "Redis" not in server


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, and the servers it makes sense for, by name."""

    name: str
    measure: Callable[[Target], Awaitable[Figure]]
    suits: Callable[[str], bool] = _any


def rows() -> list[Row]:
    """Return all rows."""
    return [*_append_rows(), *_delivery_rows(), *_replay_rows(), *_sdk_rows()]


def _append_rows() -> list[Row]:
    return [
        Row("append, one 100 B chunk, 1 connection", appending.one_by_one),
        Row(
            "append, one 100 B text part (R4), 1 connection",
            appending.text_one_by_one,
            _ours,
        ),
        Row(
            "appends, one 100 B chunk, 50 connections, 1 stream",
            partial(appending.at_once, connections=50, batch=1),
        ),
        Row(
            "appends, one 100 B chunk, 50 connections, 50 streams",
            partial(appending.at_once, connections=50, batch=1, streams=50),
        ),
        Row(
            "chunks, 100 of 100 B an append, 1 connection",
            partial(appending.at_once, connections=1, batch=100),
        ),
        Row(
            "chunks, 100 of 100 B an append, 8 connections, 1 stream",
            partial(appending.at_once, connections=8, batch=100),
        ),
    ]


def _delivery_rows() -> list[Row]:
    return [
        Row(
            f"append to delivery, {readers:,} {'SSE' if listen else 'long-polling'} reader"
            + "s" * (readers > 1),
            partial(delivering.delivery, readers=readers, listen=listen),
            partial(_holds, readers, listen),
        )
        for listen in (False, True)
        for readers in READERS
    ]


def _replay_rows() -> list[Row]:
    ways = (("JSON pages", replaying.pages), ("SSE", replaying.events))
    return [
        Row(f"replay, chunks of {name}, {way}", partial(replay, size=size), _keeps)
        for size, name in SIZES.items()
        for way, replay in ways
    ]


def _sdk_rows() -> list[Row]:
    return [
        Row(name, partial(sdk, what=what), _ours)
        for name, what in (
            ("SDK, chunks of 21 B through one pipe", "pipe"),
            ("SDK, async, chunks of 21 B through one pipe", "async pipe"),
            ("SDK, from yield to a reader's loop, 50 chunks/s", "delivery"),
            ("SDK, async, from yield to a reader's loop, 50 chunks/s", "async delivery"),
            ("SDK, memory for a source 100 times as fast as the network", "memory"),
        )
    ]
