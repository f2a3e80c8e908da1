"""`runstreams objects RUN KEY`: which object holds which chunks."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from ..core.errors import NotThere
from ..core.model import Head, SegmentName, StreamId
from ..core.names import check_key, check_run
from ..core.ports import Store
from ..core.segment import format_name
from ..core.settings import BUCKET, TABLE
from ..serve.errors import CannotRun
from ..serve.settings import Settings, settings_of
from ..serve.storing import open_store
from ..stores.sqlite.schema import FILE
from .exits import DONE
from .times import moment


class Row(NamedTuple):
    """A segment or an unsealed batch, and the chunks that it holds."""

    first: int
    last: int
    size: int
    time: int
    """When its last chunk was appended, in milliseconds since 1970."""
    object: str | SegmentName | None
    """None: the batch lies in the head itself, and no object holds it."""


def run(args: argparse.Namespace) -> int:
    """Print it."""
    show(settings_of(args, os.environ), args.run, args.key)
    return DONE


def show(settings: Settings, run: str, key: str) -> None:
    """Print where the chunks of a stream are. Raises `CannotRun`, `InvalidName`, `NotThere`."""
    file = settings.data / FILE
    if not settings.aws and not file.exists():
        raise CannotRun(f"there are no streams in {settings.data}: {FILE} is missing")
    asyncio.run(_show(settings, StreamId(check_run(run), check_key(key))))


async def _show(settings: Settings, stream: StreamId) -> None:
    store = open_store(settings)
    try:
        head = await store.heads.get(stream)
        if head is None:
            raise NotThere(f"{stream.run}/{stream.key}: there is no such stream")
        print(summary(head))
        print(f"{'INDEXES':>19} {'CHUNKS':>8} {'BYTES':>10}  {'LAST APPENDED':24}  OBJECT")
        async for row in rows(store, stream, head):
            place = _key(stream, row.object) if settings.aws else _row(row.object)
            indexes, count = f"{row.first}-{row.last}", row.last - row.first + 1
            print(f"{indexes:>19} {count:>8} {row.size:>10}  {moment(row.time)}  {place}")
    finally:
        await store.aclose()


async def rows(store: Store, stream: StreamId, head: Head) -> AsyncIterator[Row]:
    """Yield what holds a stream's chunks, by their indexes: segments, then unsealed batches."""
    at = 0
    while names := await store.segments.names(stream, head.generation, at):
        for name in names:
            yield Row(name.first, name.last, name.size, name.time, name)
        at = names[-1].last + 1
    for pointer in head.pending:
        place = pointer.object if pointer.batch is None else None
        yield Row(pointer.first, pointer.end - 1, pointer.size, pointer.time, place)


def summary(head: Head) -> str:
    """Return the state of a stream in one line."""
    state = head.closed.status if head.closed else "open"
    return (
        f"generation {head.generation}, {state}: {head.tail} chunks, {head.size} bytes; "
        f"sealed up to {head.sealed}, {head.unsealed} batches are not"
    )


def _key(stream: StreamId, name: str | SegmentName | None) -> str:
    from ..stores.aws.layout import batch_key, segment_key  # boto3 is an extra

    if name is None:
        return f"in the item s#{stream.key} of {os.environ[TABLE]}"
    key = batch_key(stream, name) if isinstance(name, str) else segment_key(stream, name)
    return f"s3://{os.environ[BUCKET]}/{key}"


def _row(name: str | SegmentName | None) -> str:
    if isinstance(name, SegmentName):
        return f"segment {name.generation}/{format_name(name)}"
    return f"batch {name}"
