"""Group commit: what arrives together is written in one transaction.

A step is a function of the connection. The steps that arrive in one turn of the event loop run in
one transaction, in their order: on the loop's own thread, since that takes some 20 µs a step and a
change of threads takes longer; on a thread of its own when much is to be written, when another
process holds the write lock, or when each commit waits for the disk. What arrives meanwhile makes
the next group.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeVar

from ...core.errors import RunstreamsError
from .faults import is_busy, translated
from .place import Place
from .schema import WAIT_SECONDS, connect, data_version, transaction

T = TypeVar("T")

Step = Callable[[sqlite3.Connection], T]
"""Part of a transaction. It may raise a `RunstreamsError` as long as it has written nothing."""

ASIDE_BYTES = 256 * 1024
"""A group of more bytes is written beside the event loop; so many take about 0.4 ms."""

PAGE_BYTES = 4 * 1024
"""What SQLite writes at a time."""

_STEP_BYTES = 4 * PAGE_BYTES
"""What a step writes to the log beside its own bytes, about."""

_RETRY_SECONDS = 0.0005
"""Pause before asking again for the write lock. SQLite's own pauses grow to 100 ms, while others
hold the lock for 50 µs.
"""


class Deferred(Protocol):
    """Steps that only decide, so that what all of them write is written at once."""

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was decided since the last flush."""

    def forget(self) -> None:
        """Forget what was decided and what was read: others have written, or it was undone."""


class _Waiting(NamedTuple):
    """A step and where its result goes."""

    step: Step[Any]
    size: int
    aside: bool
    is_append: bool
    done: "asyncio.Future[Any]"


class _Outcome(NamedTuple):
    """What became of a step: *value*, unless there is an *error*."""

    value: Any = None
    error: Exception | None = None


class Transactions:
    """The one connection of this process that writes."""

    def __init__(
        self, place: Place, power_safe: bool, wrote: Callable[[int], None], appends: Deferred
    ) -> None:
        """Write to the database at *place*; *wrote* is told how much, and *appends* when to write
        what its steps decided.
        """
        self._place = place
        self._connection = connect(place.path, wait=0, power_safe=power_safe)
        self._power_safe = power_safe
        self._wrote = wrote
        self._appends = appends
        self._thread = ThreadPoolExecutor(1, "runstreams-write")
        self._waiting: list[_Waiting] = []
        self._under_way: asyncio.Future[list[_Outcome]] | None = None
        self._version = data_version(self._connection)
        self._others_wrote = False

    async def run(
        self, step: Step[T], size: int = 0, *, aside: bool = False, is_append: bool = False
    ) -> T:
        """Run *step*, which writes about *size* bytes, in a transaction; return its result.

        One that takes long runs *aside*, on the thread. A step that *is_append* leaves the writing
        to the deferred appends. Raises what the step raises, `Busy`, `StoreFull`, `Uncertain`;
        `StoreError` where the file is gone.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Waiting(step, size, aside, is_append, done))
        if len(self._waiting) == 1 and self._under_way is None:
            loop.call_soon(self._flush)
        return await done

    def others_wrote(self) -> bool:
        """Say whether another connection has written since the last call."""
        if self._under_way is None:
            self._look_for_others()
        answer, self._others_wrote = self._others_wrote, False
        return answer

    def _flush(self) -> None:
        group = [waiting for waiting in self._waiting if not waiting.done.done()]
        self._waiting = []
        if not group:
            return
        if self._power_safe or _is_much(group):
            self._hand_over(group)
            return
        try:
            outcomes = self._together(group)
        except Exception:  # busy, or a step failed: nothing was written, and the thread sees to it
            self._hand_over(group)
        else:
            self._settle(group, outcomes)

    def _hand_over(self, group: Sequence[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        self._under_way = loop.run_in_executor(self._thread, self._patiently, group)
        self._under_way.add_done_callback(lambda done: self._landed(group, done))

    def _landed(self, group: Sequence[_Waiting], done: "asyncio.Future[list[_Outcome]]") -> None:
        self._under_way = None
        self._settle(group, done.result())
        if self._waiting:
            self._flush()

    def _settle(self, group: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
        wrote = 0
        for waiting, outcome in zip(group, outcomes, strict=True):
            wrote += waiting.size + _STEP_BYTES
            if waiting.done.done():
                continue  # whoever waited has gone
            if outcome.error is not None:
                waiting.done.set_exception(outcome.error)
            else:
                waiting.done.set_result(outcome.value)
        self._wrote(wrote)

    def _patiently(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        """Commit a group on the thread. If it fails, each step alone, so that none suffers from
        another.
        """
        try:
            return self._in_turn(group)
        except Exception as error:
            if len(group) == 1:
                return [_failed(error)]
            return [self._alone(waiting) for waiting in group]

    def _alone(self, waiting: _Waiting) -> _Outcome:
        try:
            return self._in_turn([waiting])[0]
        except Exception as error:
            return _failed(error)

    def _in_turn(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        """Commit a group as soon as no other process is writing."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return self._together(group)
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

    def _together(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        try:
            self._place.check()
            with transaction(self._connection):
                self._look_for_others()
                outcomes = [self._run(waiting) for waiting in group]
                self._appends.flush(self._connection)
                return outcomes
        except BaseException:
            self._appends.forget()
            raise

    def _run(self, waiting: _Waiting) -> _Outcome:
        if waiting.is_append:
            return _run(waiting.step, self._connection)
        self._appends.flush(self._connection)
        outcome = _run(waiting.step, self._connection)
        self._appends.forget()
        return outcome

    def _look_for_others(self) -> None:
        version = data_version(self._connection)
        if version != self._version:
            self._version = version
            self._others_wrote = True
            self._appends.forget()

    async def aclose(self) -> None:
        """Finish what is under way and close the connection."""
        while self._waiting or self._under_way is not None:
            await asyncio.sleep(0)
            if self._under_way is not None:
                await asyncio.wait([self._under_way])
        self._thread.shutdown()
        self._connection.close()


def _is_much(group: Sequence[_Waiting]) -> bool:
    size = 0
    for each in group:
        size += each.size
        if each.aside or size > ASIDE_BYTES:
            return True
    return False


def _run(step: Step[Any], connection: sqlite3.Connection) -> _Outcome:
    try:
        return _Outcome(step(connection))
    except RunstreamsError as error:
        return _Outcome(error=error)


def _failed(error: Exception) -> _Outcome:
    return _Outcome(error=translated(error) if isinstance(error, sqlite3.Error) else error)
