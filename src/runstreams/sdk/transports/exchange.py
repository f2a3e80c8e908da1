"""One request that may be cancelled at any moment, without a connection being lost.

httpx, or rather what it stands on, loses a connection that is cancelled while it is made, just
before it is used, or while an answer is put away: it is not closed, and never used again. Those
moments are short, so they are waited for.

https://github.com/encode/httpcore/issues/1093, and #658 and #830 before it; once #1099 there is
released, this module can go. The names of the steps are those of httpcore's `trace` extension:
https://www.encode.io/httpcore/extensions/#trace.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx

from ..engine.loops import Loop

T = TypeVar("T")


_BEGINS = ("connect_tcp.started", "connect_unix_socket.started", "response_closed.started")
_ENDS = ("send_request_headers.started", "response_closed.complete", ".failed")
"""Steps of httpx between which it is a bad moment."""


class _Moment:
    """Whether it is a bad moment to cancel."""

    def __init__(self) -> None:
        self._is_bad = False
        self._after: Callable[[], object] | None = None

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take in what httpx says it does."""
        if event.endswith(_BEGINS):
            self._is_bad = True
        elif event.endswith(_ENDS):
            self._is_bad = False
            # Once: cancelled a second time, it could not close what it has opened.
            after, self._after = self._after, None
            if after is not None:
                after()

    def then(self, step: Callable[[], object]) -> None:
        """Do *step* now, or when the moment has passed."""
        if self._is_bad:
            self._after = step
        else:
            step()


async def exchange(
    http: httpx.AsyncClient, request: httpx.Request, *, stream: bool
) -> httpx.Response:
    """Send *request* and return the answer; with *stream*, as soon as it begins."""
    moment = _Moment()
    request.extensions = {**request.extensions, "trace": moment.trace}
    task = _begin(http.send(request, stream=stream))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_discard)
        moment.then(task.cancel)
        raise


async def put_away(answer: httpx.Response) -> None:
    """Close an answer that was begun to be read. Cancelled, it is closed all the same."""
    await asyncio.shield(_closing(answer))


_CLOSING: set["asyncio.Task[None]"] = set()
"""Answers that nobody wants any more: a loop holds its tasks only weakly."""


def _closing(answer: httpx.Response) -> "asyncio.Task[None]":
    closing = _begin(answer.aclose())
    _CLOSING.add(closing)
    closing.add_done_callback(_CLOSING.discard)
    return closing


def _discard(task: "asyncio.Task[httpx.Response]") -> None:
    if not task.cancelled() and task.exception() is None:
        _closing(task.result())


def _begin(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Begin what only we may cancel."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    if isinstance(loop, Loop):
        loop.delicate.add(task)
    return task
