"""Waiting for as long as the client is there and the process goes on."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from ..call import Call, ClientGone
from ..observing import Waits


class Presence:
    """A block of code that is left at its next await when the client goes, with `ClientGone`, or
    when the process stops, quietly: who waits here can wait elsewhere. One small task notices the
    former.
    """

    def __init__(self, call: Call, how: Waits = "poll") -> None:
        self._receive = call.receive if call.host.disconnects else None
        self._stop = call.host.stopping
        self._seen = call.host.observer.waiting(how)
        self._gone = False
        self._limit = asyncio.timeout(None)
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._seen.__enter__()
        if self._stop is not None:
            self._stop.interrupts.add(self._interrupt)
            if self._stop.is_set():
                self._interrupt()
        if self._receive is not None:
            self._watcher = asyncio.create_task(self._watch(self._receive))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._seen.__exit__(kind, error, trace)
        if self._watcher is not None:
            self._watcher.cancel()
        if self._stop is not None:
            self._stop.interrupts.discard(self._interrupt)
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError:
            if self._gone:
                raise ClientGone from None
            return True
        return False

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass  # a body that nobody reads
        self._gone = True
        self._interrupt()

    def _interrupt(self) -> None:
        if self._limit.when() is None:
            self._limit.reschedule(0)
