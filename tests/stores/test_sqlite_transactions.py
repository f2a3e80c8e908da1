"""Group commit: which steps share a transaction, and that none suffers from another."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runstreams.core.errors import Busy, StreamClosed
from runstreams.core.limits import SealingPlan
from runstreams.stores.sqlite import transactions as module
from runstreams.stores.sqlite.appends import Appends
from runstreams.stores.sqlite.place import Place
from runstreams.stores.sqlite.transactions import ASIDE_BYTES, Step, Transactions

MUCH = ASIDE_BYTES + 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table, where each number may stand once."""
    path = tmp_path / "numbers.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    database.close()
    return path


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process, as far as SQLite can tell."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@asynccontextmanager
async def opened(path: Path, power_safe: bool = False) -> AsyncIterator[Transactions]:
    transactions = Transactions(Place(path), power_safe, lambda size: None, Appends(SealingPlan()))
    try:
        yield transactions
    finally:
        await transactions.aclose()


def add(number: int) -> Step[list[int]]:
    """A step that writes *number* and returns all there are in its transaction."""

    def step(connection: sqlite3.Connection) -> list[int]:
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return numbers(connection)

    return step


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT * FROM numbers ORDER BY number")]


def refuse(connection: sqlite3.Connection) -> None:
    raise StreamClosed("the stream is closed", status="completed", tail=0)


async def test_steps_that_arrive_together_share_a_transaction(
    path: Path, other: sqlite3.Connection
) -> None:
    """The second sees what the first has written while nobody else does."""
    seen_outside: list[int] = []

    def look(connection: sqlite3.Connection) -> None:
        seen_outside.extend(numbers(other))

    async with opened(path) as transactions:
        first, second, _ = await asyncio.gather(
            transactions.run(add(1)), transactions.run(add(2)), transactions.run(look)
        )
    assert (first, second) == ([1], [1, 2])
    assert seen_outside == []
    assert numbers(other) == [1, 2]


@pytest.mark.parametrize("size", [0, MUCH])
async def test_a_refused_step_disturbs_no_other(
    path: Path, other: sqlite3.Connection, size: int
) -> None:
    async with opened(path) as transactions:
        answers = await asyncio.gather(
            transactions.run(add(1), size),
            transactions.run(refuse, size),
            transactions.run(add(2), size),
            return_exceptions=True,
        )
    assert isinstance(answers[1], StreamClosed)
    assert numbers(other) == [1, 2]


@pytest.mark.parametrize("size", [0, MUCH])
async def test_a_step_that_fails_takes_only_its_own_writes_with_it(
    path: Path, other: sqlite3.Connection, size: int
) -> None:
    """It fails after it has written something; the others are run again without it."""

    def broken(connection: sqlite3.Connection) -> None:
        add(7)(connection)
        raise ZeroDivisionError

    async with opened(path) as transactions:
        answers = await asyncio.gather(
            transactions.run(add(1), size),
            transactions.run(broken, size),
            transactions.run(add(1), size),
            transactions.run(add(2), size),
            return_exceptions=True,
        )
    assert answers[0] == [1]
    assert isinstance(answers[1], ZeroDivisionError)
    assert isinstance(answers[2], sqlite3.IntegrityError)
    assert numbers(other) == [1, 2]


async def test_while_another_process_writes_the_event_loop_goes_on(
    path: Path, other: sqlite3.Connection
) -> None:
    """The step waits on a thread, and is committed when the other has finished."""
    other.execute("BEGIN IMMEDIATE")
    async with opened(path) as transactions:
        waiting = asyncio.create_task(transactions.run(add(1)))
        later = asyncio.create_task(transactions.run(add(2)))
        for _ in range(10):
            await asyncio.sleep(0.005)
        assert not waiting.done()
        other.execute("COMMIT")
        assert await later == [1, 2]
        assert await waiting == [1]


async def test_a_process_that_writes_for_too_long_makes_steps_fail_as_busy(
    path: Path, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has happened then, and later steps are fine."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    other.execute("BEGIN IMMEDIATE")
    async with opened(path) as transactions:
        with pytest.raises(Busy):
            await transactions.run(add(1))
        other.execute("COMMIT")
        assert await transactions.run(add(2)) == [2]


async def test_a_step_nobody_waits_for_any_more_is_not_run(
    path: Path, other: sqlite3.Connection
) -> None:
    async with opened(path) as transactions:
        given_up = asyncio.create_task(transactions.run(add(1)))
        kept = asyncio.create_task(transactions.run(add(2)))
        asyncio.get_running_loop().call_soon(given_up.cancel)
        await asyncio.wait([given_up, kept])
    assert given_up.cancelled()
    assert numbers(other) == [2]


async def test_what_arrives_while_a_group_is_on_its_way_makes_the_next_group(path: Path) -> None:
    """Each of them sees all of the first group, and the last one all of its own."""
    started, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> list[int]:
        started.set()
        assert go_on.wait(10)
        return add(1)(connection)

    async with opened(path) as transactions:
        first = asyncio.create_task(transactions.run(slow, MUCH))
        await asyncio.to_thread(started.wait, 10)
        others = [asyncio.create_task(transactions.run(add(number))) for number in (2, 3)]
        await asyncio.sleep(0.01)
        go_on.set()
        assert await first == [1]
        assert await asyncio.gather(*others) == [[1, 2], [1, 2, 3]]


async def test_when_power_may_fail_every_commit_waits_for_the_disk_on_a_thread(path: Path) -> None:
    """SQLite's own setting says that it syncs each commit."""

    def where(connection: sqlite3.Connection) -> tuple[int, str]:
        return threading.get_ident(), str(connection.execute("PRAGMA synchronous").fetchone()[0])

    here, normal, full = threading.get_ident(), "1", "2"
    async with opened(path) as transactions:
        assert (here, normal) == await transactions.run(where)
    async with opened(path, power_safe=True) as transactions:
        thread, setting = await transactions.run(where)
    assert thread != here
    assert full == setting


@pytest.mark.parametrize(
    ("size", "aside", "name"),
    [(0, False, "MainThread"), (0, True, "write"), (MUCH, False, "write")],
)
async def test_a_step_that_takes_long_runs_on_the_thread(
    path: Path, size: int, aside: bool, name: str
) -> None:
    async with opened(path) as transactions:
        ran_on = await transactions.run(
            lambda db: threading.current_thread().name, size, aside=aside
        )
    assert name in ran_on
