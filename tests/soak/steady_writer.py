"""A writer that goes on where it was, however often it is killed.

    python -m tests.soak.steady_writer STORE PLACE CLIENT TOTAL

It prints the number and the index of each batch's last chunk once that is acknowledged.
"""

import asyncio
import random
import sys

from runstreams.core.errors import Busy, Uncertain
from runstreams.core.log import Log
from runstreams.core.model import Batch, StreamId
from tests.soak.killed_writer import log_of, opened

STREAM = StreamId("run", "many writers")


def chunk(client: str, number: int) -> bytes:
    """Return the *number*-th chunk of *client*."""
    return b'"%s %d"' % (client.encode(), number)


async def write(log: Log, client: str, total: int) -> None:
    """Append what is not there yet, asking first how far it came."""
    number = await log.last_number(STREAM, client) + 1
    while number < total:
        count = min(random.randrange(1, 5), total - number)
        # Now and then some chunks again that were sent before.
        first = max(number - random.choice((0, 0, 0, 2)), 0)
        lines = b"".join(chunk(client, at) + b"\n" for at in range(first, number + count))
        batch = Batch(lines, number + count - first, log.clock(), client, first)
        try:
            answer = await log.append(STREAM, batch)
            await log.append(STREAM, Batch(b'"guest"\n', 1, log.clock(), f"{client}-{number}", 0))
        except (Busy, Uncertain):
            number = await log.last_number(STREAM, client) + 1
            continue
        number += count
        print(number - 1, answer.last, flush=True)


async def main(kind: str, place: str, client: str, total: int) -> None:
    log = log_of(kind, opened(kind, place))
    await write(log, client, total)
    await log.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
