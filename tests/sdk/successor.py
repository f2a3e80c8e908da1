"""A worker that takes its stream over and writes until it is killed, or kept out.

    python -m tests.sdk.successor RUN LIFE

It goes on behind what is stored: its chunks are [LIFE, index]. It prints the index of each that is
acknowledged, and `kept out` at its end.
"""

import sys
from time import sleep

from runstreams import Batching, Client
from runstreams.errors import FencedOff


def main(run: str, life: int) -> None:
    with Client(batching=Batching(linger=0)) as client:
        writer = client.streams.take_over("answer", target=run)
        index = writer.next_index
        try:
            while True:
                writer.write([life, index])
                writer.drain()
                print(index, flush=True)
                index += 1
                sleep(0.001)
        except FencedOff:
            print("kept out", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
