"""A worker that takes its stream over and writes until it is killed, or kept out.

    python -m tests.sdk.successor RUN LIFE

It goes on behind what is stored: its chunks are [LIFE, index, N]. In some lives its first one
supersedes those from N on; else that is null. It prints `up` before it takes over, the index of
each that is acknowledged, and `kept out` at its end.
"""

import random
import sys
from time import sleep

from runstreams import Batching, Client
from runstreams.errors import FencedOff


def superseded_by(life: int, next_index: int) -> int | None:
    """Return from where on a *life* that begins at *next_index* supersedes what is stored."""
    return random.randrange(next_index + 1) if life % 3 == 0 else None


def main(run: str, life: int) -> None:
    with Client(batching=Batching(linger=0)) as client:
        print("up", flush=True)
        writer = client.streams.take_over("answer", target=run)
        index = writer.next_index
        if (back := superseded_by(life, index)) is not None:
            writer.supersede(back)
        try:
            while True:
                writer.write([life, index, back])
                writer.drain()
                print(index, flush=True)
                index, back = index + 1, None
                sleep(0.001)
        except FencedOff:
            print("kept out", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
