"""What the tests of the async surface do beside it; `in_threads` has the same for the sync one."""

import asyncio
from asyncio import Event, sleep
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

__all__ = ["PATIENCE", "Event", "begin", "done", "elsewhere", "happened", "sleep"]

T = TypeVar("T")

PATIENCE = 10
"""Seconds after which what should have happened is not waited for any longer."""

_NOWHERE = copy_context()


def begin(work: Callable[..., Awaitable[T]], *args: Any) -> "asyncio.Future[T]":
    """Do *work* beside the test."""
    return asyncio.ensure_future(work(*args))


async def done(begun: "asyncio.Future[T] | Future[T]") -> T:
    """Return the result of what was begun."""
    return await asyncio.wait_for(asyncio.wrap_future(begun), PATIENCE)


async def happened(event: Event) -> None:
    """Wait for *event*."""
    await asyncio.wait_for(event.wait(), PATIENCE)


async def elsewhere(work: Callable[..., Coroutine[Any, Any, T]], *args: Any, **options: Any) -> T:
    """Do *work* as another process does: in no run."""
    return await asyncio.create_task(work(*args, **options), context=_NOWHERE.copy())
