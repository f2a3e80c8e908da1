"""What is used of uvicorn's inside beside `protocol` and `server`.

uvicorn promises none of it: its version has an upper bound in pyproject.toml, and each thing names
the source it was read from.
"""

import logging
from asyncio import AbstractEventLoop
from typing import TYPE_CHECKING

from starlette.types import Receive

if TYPE_CHECKING:
    from uvicorn import Server


def left_over(receive: Receive) -> bytes:
    """Return what arrived before the connection broke, and was not received any more.

    uvicorn keeps it from an application, as ASGI has no place for it; whole lines are worth
    keeping. https://github.com/Kludex/uvicorn/blob/main/uvicorn/protocols/http/httptools_impl.py:
    `receive` is a method of the `RequestResponseCycle`, whose `body` holds what has come.
    """
    connection = getattr(receive, "__self__", None)
    return bytes(getattr(connection, "body", b""))


def port_of(server: "Server") -> int:
    """Return the port that *server*, which has started, listens on.
    https://github.com/Kludex/uvicorn/blob/main/uvicorn/server.py: `startup` fills `servers`.
    """
    return int(server.servers[0].sockets[0].getsockname()[1])


def loop_of(server: "Server") -> AbstractEventLoop:
    """Return the event loop of *server*, which has started; the same source."""
    return server.servers[0].get_loop()


class _NotOurBreaks(logging.Filter):
    """Drops the line that uvicorn writes when an answer is broken off, as we do on purpose.

    The same source: `run_asgi`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "ASGI callable returned without completing response."


_breaks = _NotOurBreaks()


def quieten() -> None:
    """Let uvicorn say nothing of answers that we break off."""
    logging.getLogger("uvicorn.error").addFilter(_breaks)
