"""What the tests of the async surface have in common."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from runstreams.aio import AsyncClient
from tests.sdk.in_tasks import Event, begin, done, happened, sleep

R = TypeVar("R")


async def read(client: AsyncClient, run: str, key: str | None = None, **options: Any) -> list[Any]:
    return [item async for item in client.streams.read(run, key, **{"timeout": 0, **options})]


async def together(work: Callable[[Any], Awaitable[R]], items: Iterable[Any]) -> list[R]:
    """Do *work* with each item, all at once."""
    begun = [begin(work, item) for item in items]
    return [await done(one) for one in begun]


async def slowly(values: Iterable[int], seconds: float = 0.001) -> AsyncIterator[int]:
    for value in values:
        yield value
        await sleep(seconds)


async def failing(after: int) -> AsyncIterator[int]:
    for value in range(after):
        yield value
    raise LookupError("the model is gone")


async def waiting_for(event: Event) -> AsyncIterator[str]:
    yield "begun"
    await happened(event)
    yield "ended"
