"""Sync calls where an event loop runs: they refuse at once, rather than hold it up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import pytest

from runstreams import Client
from runstreams.errors import InEventLoop


async def numbers() -> AsyncIterator[int]:
    yield 0


def begin(client: Client, run: str) -> None:
    with client.streams.run(run):
        pass


def merge(client: Client, run: str, source: AsyncIterator[int]) -> None:
    with closing(client.streams.writer(target=run)) as writer:
        writer.merge(source)


def write(client: Client, run: str) -> None:
    with closing(client.streams.writer(target=run)) as writer:
        writer.write(1)


def drain(client: Client, run: str) -> None:
    with closing(client.streams.writer(target=run)) as writer:
        writer.drain()


CALLS: dict[str, Callable[[Client, str], Any]] = {
    "append": lambda client, run: client.streams.append(1, target=run),
    "close": lambda client, run: client.streams.close(target=run),
    "stop": lambda client, run: client.streams.stop(run),
    "list": lambda client, run: client.streams.list(run),
    "describe": lambda client, run: client.streams.describe(run),
    "delete": lambda client, run: client.streams.delete(run),
    "runs": lambda client, run: client.streams.runs(),
    "read": lambda client, run: next(client.streams.read(run)),
    "run": begin,
    "pipe an async source": lambda client, run: client.streams.pipe(numbers(), target=run),
    "merge an async source": lambda client, run: merge(client, run, numbers()),
    "write": write,
    "wait": lambda client, run: client.streams.pipe([1], target=run).wait_until_complete(),
    "watch": lambda client, run: next(client.streams.pipe([1], target=run).stream),
    "drain": drain,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_sync_call_in_a_running_loop_says_what_to_write_instead(
    client: Client, run: str, call: Callable[[Client, str], Any]
) -> None:
    async def main() -> None:
        call(client, run)

    with pytest.raises(InEventLoop, match=r"from runstreams\.aio import streams.*to_thread"):
        asyncio.run(main())


def test_in_a_thread_of_a_loop_it_is_fine(client: Client, run: str) -> None:
    async def main() -> int:
        return await asyncio.to_thread(client.streams.append, 1, target=run)

    assert asyncio.run(main()) == 0


def test_a_client_that_has_nothing_to_send_may_be_closed_in_a_loop(server: Any) -> None:
    async def main() -> None:
        Client(server.url, server.secret).close()

    asyncio.run(main())


def test_one_that_has_is_not_closed_and_sends_it(server: Any, client: Client, run: str) -> None:
    other = Client(server.url, server.secret)

    async def main() -> None:
        other.streams.pipe([1], target=run)
        other.close()

    with pytest.raises(InEventLoop):
        asyncio.run(main())
    other.close()
    assert list(client.streams.read(run, timeout=0)) == [1]
