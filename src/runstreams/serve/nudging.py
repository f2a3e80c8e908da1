"""How workers tell each other that something was committed: by a byte that says nothing else.

A nudge that is lost, doubled or made up does no harm: whoever hears one looks at the store
itself, and looks there every now and then without any.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress


class Nudges:
    """One pair of sockets a worker, made before the workers are, which inherit them.

    Their parent keeps both ends, so that a worker that died is no error to those that tell it, and
    whoever takes its place hears on.
    """

    def __init__(self, count: int) -> None:
        self._pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(count)]
        for pair in self._pairs:
            for end in pair:
                end.setblocking(False)

    def tell_others(self, worker: int) -> None:
        """Tell all workers but *worker*. One that has much to hear already is not told more."""
        for number, (_, telling) in enumerate(self._pairs):
            if number != worker:
                with suppress(OSError):
                    telling.send(b"!")

    def listen(self, worker: int, heard: Callable[[], None]) -> None:
        """Have the running loop call *heard* when *worker* is told something."""
        hearing = self._pairs[worker][0]
        asyncio.get_running_loop().add_reader(hearing.fileno(), _hear, hearing, heard)


def _hear(hearing: socket.socket, heard: Callable[[], None]) -> None:
    with suppress(OSError):
        while True:
            hearing.recv(1)
    heard()
