"""A program that writes without a server: `python -m tests.stores.direct_writer BUCKET TABLE`.

It appends each line of its input to one stream, and prints the chunk's index.
"""

import sys

from runstreams import Client


def write(bucket: str, table: str) -> None:
    """Append until the input ends."""
    with Client.direct(bucket=bucket, table=table) as client:
        for line in sys.stdin:
            print(client.streams.append(line.strip(), target="run"), flush=True)


if __name__ == "__main__":
    write(*sys.argv[1:])
