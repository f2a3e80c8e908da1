"""A process that does what it is told with the streams on AWS, as this version or one before:
`python -m tests.stores.versions NAME`.

Each line of its input is a list: what to do, the stream's key, and for an append a client, a number
and a chunk. It answers with JSON: what came of it, or the name of the error.
"""

import asyncio
import json
import os
import sys
from typing import Any

from runstreams.core.entries import Entry
from runstreams.core.errors import RunstreamsError
from runstreams.core.forking import Wish
from runstreams.core.log import Log
from runstreams.core.model import Batch, Closed, StreamId
from runstreams.stores.aws import AwsStore
from runstreams.wiring import new_id
from tests.beginnings import beginning
from tests.emulators.writers import opened


def be_earlier() -> None:
    """Do as the version did that knew no names with a hash, and one form of heads."""
    from runstreams.stores.aws import expressions, layout, values

    be_before(form=1)
    for module in (layout, values, expressions):
        module.is_spread = lambda name: False  # type: ignore[attr-defined]
    layout.SPREAD = ""


def be_before(form: int = 2) -> None:
    """Do as the version did that knew names with a hash, but no batches in pointers and no clients
    by hashes, and heads up to *form*.
    """
    from runstreams.stores.aws import codec, expressions, layout, pointers, table, values, writers

    os.environ |= {"RUNSTREAMS_SHORT_CLIENTS": "off", "RUNSTREAMS_INLINE_BYTES": "0"}
    for module in (layout, values, expressions, table, writers):
        module.is_short = lambda generation: False  # type: ignore[attr-defined]
    for module in (codec, expressions):
        module.FENCED_HEAD = form  # type: ignore[attr-defined]
    pointers.INLINE = "none"


def be_forkless() -> None:
    """Do as the version did that knew all but forks."""
    from runstreams.stores.aws import codec, expressions

    for module in (codec, expressions):
        module.FENCED_HEAD = 3  # type: ignore[attr-defined]


def be_fenceless() -> None:
    """Do as the version did that knew all but who takes a stream over."""
    from runstreams.stores.aws import codec, expressions

    for module in (codec, expressions):
        module.FENCED_HEAD = 4  # type: ignore[attr-defined]


VERSIONS = {
    "earlier": be_earlier,
    "before": be_before,
    "forkless": be_forkless,
    "fenceless": be_fenceless,
    "this": lambda: None,
}


async def obey(log: Log, order: str, key: str, *about: Any) -> Any:
    """Do one thing; return what it was asked for."""
    stream = StreamId("run", key)
    if order == "append":
        client, number, chunk = about
        batch = Batch(json.dumps(chunk).encode() + b"\n", 1, log.clock(), client, number)
        return (await log.append(stream, batch)).last
    if order == "read":
        return [json.loads(bytes(chunk.data)) for chunk in (await log.read(stream, 0)).chunks]
    if order == "fork":
        fork, _ = await log.fork(StreamId("run", *about), Wish(stream), beginning(Entry()))
        return fork.tail
    if order == "take over":
        return (await log.take_over(stream, "new", 0)).tail
    if order == "supersede":
        batch = Batch(json.dumps("anew").encode() + b"\n", 1, log.clock(), supersedes=0)
        return (await log.append(stream, batch)).last
    if order == "close":
        return (await log.close(stream, Closed("completed"))).tail
    return await log.delete(stream)


async def main(name: str) -> None:
    """Obey until the input ends."""
    VERSIONS[name]()
    async with opened(AwsStore.from_environment(new_id=new_id)) as log:
        for line in iter(sys.stdin.readline, ""):
            try:
                said = await obey(log, *json.loads(line))
            except RunstreamsError as error:
                said = type(error).__name__
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
