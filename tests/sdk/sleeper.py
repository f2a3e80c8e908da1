"""A program that writes and reads now and then: `python -m tests.sdk.sleeper URL KEY RUN`.

It appends each line of its input, and prints what the stream holds by then.
"""

import sys

from runstreams import Client, Retries
from runstreams.sdk.settings import Timeouts


def write(url: str, key: str, run: str) -> None:
    """Append until the input ends."""
    patience = {"retries": Retries(first=0.01), "timeouts": Timeouts(request=2)}
    with Client(url, key, **patience) as client:  # type: ignore[arg-type]
        for line in sys.stdin:
            client.streams.append(line.strip(), target=run)
            print(*client.streams.read(run, timeout=0), flush=True)


if __name__ == "__main__":
    write(*sys.argv[1:])
