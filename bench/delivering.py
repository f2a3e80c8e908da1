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

CROWD = 100
"""More readers than these get longer pauses, so that all of them have asked again, and fewer
appends: each is as many deliveries.
"""

DELIVERIES_TO_MANY = 20


async def delivery(target: Target, readers: int, *, listen: bool) -> Figure:
    """One writer, so many readers; one chunk at a time."""
    stream, watch = await target.stream(), Delivery(readers)
    attach = _listeners if listen else _pollers
    attached = await attach(target, stream, watch)
    await asyncio.sleep(SETTLE_SECONDS * max(1, readers / CROWD / 5))
    with uncollected(), awake():
        await _send(target, stream, watch)
    for reader in attached:
        reader.close()
    return latency(watch.times)


async def _send(target: Target, stream: str, watch: Delivery) -> None:
    writer = await target.connect(Asker)
    crowds = max(1, watch.readers / CROWD)
    most = DELIVERIES_TO_MANY if crowds > 1 else target.plan.deliveries
    for number in range(min(most, target.plan.deliveries)):
        append = target.wire.append(stream, "writer", number, [chunk(number, SMALL)])
        watch.expect(mark(number))
        await writer.ask(append)
        await watch.everywhere()
        await asyncio.sleep(target.plan.pause * crowds)
    writer.close()


async def _listeners(target: Target, stream: str, watch: Delivery) -> list[Listener]:
    request = target.wire.listen(stream)
    return [await target.connect(lambda: Listener(watch, request)) for _ in range(watch.readers)]


async def _pollers(target: Target, stream: str, watch: Delivery) -> list[Poller]:
    def after(page: Response) -> bytes:
        return target.wire.poll(stream, target.wire.after(page)[0], WAIT_SECONDS)

    first = target.wire.poll(stream, target.wire.start, WAIT_SECONDS)
    return [await target.connect(lambda: Poller(watch, first, after)) for _ in range(watch.readers)]
