"""What every reader does in the engine, of one stream or of several: it begins, hands its chunks
over, turns to other means, keeps to its patience and its silence, and lets go.
"""

import asyncio
import math
import os
from abc import ABC, abstractmethod
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from ...core.errors import NoEventStream, NotThere, RunstreamsError
from ...core.limits import SILENCE_SECONDS_MAX
from ..engine.queues import ClosableQueue
from ..engine.waiting import Told
from ..errors import WriterClosed
from ..explaining import Doing
from ..leases import UNLEASED, Silence, silence_of
from ..records import Rollback
from ..tracing import ReadTrace

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.loops import Background

T = TypeVar("T")

State = Literal["connecting", "live", "retrying", "closed", "silent", "failed"]

AHEAD = 2_000
"""So many chunks may wait for the reader's loop before no more are asked for."""

PAGE_WEIGHT = 250
"""A page counts as so many chunks at least: a few chunks may be as large as many small ones."""

EARLY_SECONDS = 0.5
"""An end of an event stream that comes so much before its time is not believed."""

POLL_SECONDS = 1.0
"""Least time between two polls, also when the server does not wait."""

FRUITLESS = 2
"""Failures in a row, without progress, after which the reader turns to the other means."""


class Session(ABC, Generic[T]):
    """Reads in the background and hands chunks over, page by page."""

    def __init__(self, engine: "Engine", doing: Doing, timeout: Silence, strict: bool) -> None:
        """End after *timeout* seconds of silence. With *strict* a stream that failed or was
        canceled ends in an error.
        """
        self.state: State = "connecting"
        self.pages: ClosableQueue[list[T | Rollback]] = ClosableQueue()
        self.over: Future[None] = Told()
        """Done when it has let go of everything."""
        self._background: Background | None = None
        self._process = os.getpid()
        self._engine = engine
        self._is_patient = timeout == UNLEASED
        self._timeout = silence_of(timeout)
        self._strict = strict
        self._events = True
        self._is_shared = False
        """Whether a cache gives pages to many."""
        self._last = self._brought = -math.inf
        self._fruitless = 0
        self._trace = ReadTrace()
        self._patience = engine.patience(doing)

    def start(self) -> None:
        """Begin to follow, in the background."""
        self._background = self._engine.spawn(self._run(), self._let_go)

    def stop(self) -> None:
        """Stop following; what has not been taken is dropped. `over` tells when it has let go: at
        once in a child of the process that began it, where nothing of it goes on.
        """
        self.pages.drop()
        if not self._is_ours:
            with suppress(InvalidStateError):
                self.over.set_result(None)
        elif self._background is not None:
            self._background.cancel()

    def take(self) -> list[T | Rollback]:
        """Return the next chunks. Raises `NothingYet`, `StopIteration`, and what went wrong."""
        if not self._is_ours:
            raise NotThere("this belongs to the process that began it: read again in this one")
        return self.pages.next()

    @property
    def _is_ours(self) -> bool:
        return os.getpid() == self._process

    @abstractmethod
    async def _run(self) -> None:
        """Follow until the end or silence, and end the pages."""

    async def _live(self) -> None:
        """Follow by events until they end, fail, or silence has lasted."""
        silence, begun = self._left(SILENCE_SECONDS_MAX), self._now()
        if self._is_patient:  # somebody may promise to be heard of
            silence = SILENCE_SECONDS_MAX
        try:
            if await self._has_ended(silence):
                await self._believe(max(begun, self._brought) + silence)
        except NoEventStream:
            self._events, self._fruitless = False, 0
        except RunstreamsError:
            if self._events:  # else a page has turned away from them
                self._turn()
            raise

    @abstractmethod
    async def _has_ended(self, silence: float) -> bool:
        """Hand over what events bring; return False when it is over, or to be asked for anew from
        where they have led.
        """

    @abstractmethod
    async def _believe(self, due: float) -> None:
        """Events have ended, which was *due*. Raises `Unreachable` when that is not believed."""

    async def _fail(self, error: RunstreamsError) -> None:
        """Wait before the next attempt. Raises *error* when there is to be none."""
        seconds = self._patience.after(error)
        self.state = "retrying"
        await asyncio.sleep(seconds)

    def _turn(self) -> None:
        """Read the other way when something lets this one break, again and again; never past a
        cache, where event streams are a connection for each reader.
        """
        self._fruitless += 1
        if self._fruitless == FRUITLESS:
            self._events, self._fruitless = not (self._events or self._is_shared), 0

    def _let_go(self) -> None:
        self.pages.end(WriterClosed("the client is closed"))
        self.over.set_result(None)

    def _progress(self) -> None:
        self._fruitless = 0
        self._patience.progress()

    def _heard(self) -> None:
        """Take in that chunks have come: silence begins anew."""
        self._last = self._brought = self._now()

    def _left(self, most: float) -> float:
        """Return the seconds of silence that are left, up to *most*."""
        return max(0.0, min(self._last + self._timeout - self._now(), most))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
