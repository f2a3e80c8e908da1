"""From just before an append is sent until each reader has the chunk's bytes."""

import asyncio

from .appending import SMALL
from .figures import Figure, latency
from .http1 import Response
from .load import Asker, Delivery, Listener, Poller
from .quiet import awake, uncollected
from .target import Target
from .wire import chunk, mark

WAIT_SECONDS = 20
SETTLE_SECONDS = 0.5
"""Until every reader waits, before the first append."""


async def delivery(target: Target, readers: int, *, listen: bool) -> Figure:
    """One writer, so many readers; one chunk at a time."""
    stream, watch = await target.stream(), Delivery(readers)
    attach = _listeners if listen else _pollers
    attached = await attach(target, stream, watch)
    await asyncio.sleep(SETTLE_SECONDS)
    with uncollected(), awake():
        await _send(target, stream, watch)
    for reader in attached:
        reader.close()
    return latency(watch.times)


async def _send(target: Target, stream: str, watch: Delivery) -> None:
    writer = await target.connect(Asker)
    for number in range(target.plan.deliveries):
        append = target.wire.append(stream, "writer", number, [chunk(number, SMALL)])
        watch.expect(mark(number))
        await writer.ask(append)
        await watch.everywhere()
        await asyncio.sleep(target.plan.pause)
    writer.close()


async def _listeners(target: Target, stream: str, watch: Delivery) -> list[Listener]:
    request = target.wire.listen(stream)
    return [await target.connect(lambda: Listener(watch, request)) for _ in range(watch.readers)]


async def _pollers(target: Target, stream: str, watch: Delivery) -> list[Poller]:
    def after(page: Response) -> bytes:
        return target.wire.poll(stream, target.wire.after(page)[0], WAIT_SECONDS)

    first = target.wire.poll(stream, target.wire.start, WAIT_SECONDS)
    return [await target.connect(lambda: Poller(watch, first, after)) for _ in range(watch.readers)]
