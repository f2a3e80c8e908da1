"""A real process that appends: `python -m tests.stores.sqlite_writer FOLDER CLIENT COUNT`.

It goes on where the client has come to, and prints the number and index of each chunk as soon as it
is acknowledged.
"""

import asyncio
import sys
from pathlib import Path

from tests.stores.sqlite_log import STREAM, opened


async def write(folder: Path, client: str, count: int) -> None:
    """Append chunks that say whose they are, up to number *count*."""
    async with opened(folder) as log:
        for number in range(await log.log.last_number(STREAM, client) + 1, count):
            answer = await log.append(f'"{client} {number}"'.encode(), client, number)
            print(number, answer.last, flush=True)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
