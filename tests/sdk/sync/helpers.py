# Written by scripts/unasync.py: change tests/sdk/aio/helpers.py, then `make format`.
"""What the tests of the sync surface have in common."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from runstreams import Client
from tests.sdk.in_threads import Event, begin, done, happened, sleep

R = TypeVar("R")


def read(client: Client, run: str, key: str | None = None, **options: Any) -> list[Any]:
    return [item for item in client.streams.read(run, key, **{"timeout": 0, **options})]


def together(work: Callable[[Any], R], items: Iterable[Any]) -> list[R]:
    """Do *work* with each item, all at once."""
    begun = [begin(work, item) for item in items]
    return [done(one) for one in begun]


def slowly(values: Iterable[int], seconds: float = 0.001) -> Iterator[int]:
    for value in values:
        yield value
        sleep(seconds)


def failing(after: int) -> Iterator[int]:
    for value in range(after):
        yield value
    raise LookupError("the model is gone")


def waiting_for(event: Event) -> Iterator[str]:
    yield "begun"
    happened(event)
    yield "ended"
