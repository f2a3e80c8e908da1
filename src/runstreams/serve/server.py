"""uvicorn, stopped our way: within two seconds, and what is still open is broken rather than ended.

The published clients take a clean end of a stream for its completion. So a reader that is attached
when the server stops loses its connection, comes back, and goes on where it was.

What is overridden, and the connections' cycles that are looked at:
https://github.com/Kludex/uvicorn/blob/main/uvicorn/server.py.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn

from ..http import Stop
from .listening import BACKLOG

STOP_SECONDS = 1.8
"""Longest time from the signal to the end of the process, whatever hangs: it is promised in two."""

ANSWER_SECONDS = 0.8
"""Time for requests under way to be answered, before they are cancelled."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class GracefulServer(uvicorn.Server):
    """Serves until SIGINT or SIGTERM."""

    def __init__(
        self,
        config: uvicorn.Config,
        stopping: Stop,
        ready: Callable[[], None],
        signals: Sequence[int] = SIGNALS,
    ) -> None:
        """Call *ready* when connections are taken, and set *stopping* when no more are, as one of
        *signals* asks for.
        """
        super().__init__(config)
        self._signals = signals
        self._stopping = stopping
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)  # the event loop has made it as short as its own steps
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. uvicorn would raise it again afterwards; we end with exit code 0."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Begin to stop; asked a second time, end at once. Nothing acknowledged can be lost."""
        if self.should_exit:
            _end_process()
        self.should_exit = True
        watchdog = threading.Timer(STOP_SECONDS, _end_process)
        watchdog.daemon = True
        watchdog.start()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        self._stopping.set()
        for connection in list(self.server_state.connections):
            self._let_go(connection)
        if tasks := set(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=ANSWER_SECONDS)
            for task in late:
                task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def _let_go(self, connection: Any) -> None:
        """Close an idle connection, break an upload, and let an answer come. An event stream has
        heard of it, and breaks off by itself, with a last word to its reader.
        """
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete and cycle.more_body:
            connection.transport.abort()
        else:
            connection.shutdown()


def _end_process() -> None:
    """End now. As after a crash, the store is whole, and what was not answered is sent again."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
