"""What a server does for its runs when it is told to stop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..core.errors import RunstreamsError
from .connection import ENTERED, Connection
from .engine.engine import ENGINES
from .engine.known import all_of
from .engine.waiting import settled
from .run_ending import end_run
from .runs import ActiveRun
from .writing.flushing import flush_engines

logger = logging.getLogger("runstreams")


@asynccontextmanager
async def lifespan(app: object = None) -> AsyncIterator[None]:
    """End all that goes on in this process as canceled when the server stops, as after SIGTERM:
    `FastAPI(lifespan=lifespan)`, or around the `yield` of a lifespan of your own.

    Sources are closed, what they gave is sent, streams and runs end as canceled, those of all
    clients, sync and async.
    """
    try:
        yield
    finally:
        await _end_all(asyncio.CancelledError("the server was told to stop"))


async def _end_all(error: asyncio.CancelledError) -> None:
    # What was entered last is inside of the others; what was before a fork is the parent's.
    for run in reversed(all_of(ENTERED)):
        connection = ENTERED.get(run)
        if connection is None or not run.is_ours:
            continue
        if run.claim_end():
            await _end(connection, run, error)
        run.interrupt(error)  # it may be waiting for its sources
        await settled(run.over)
    # A source of this very loop must be able to end meanwhile.
    await asyncio.to_thread(flush_engines, all_of(ENGINES), error)


async def _end(connection: Connection, run: ActiveRun, error: asyncio.CancelledError) -> None:
    ending = end_run(connection.calls, run, error, connection.timeouts.flush)
    try:
        await connection.engine.acall(ending, lasting=True)
    except RunstreamsError as failure:
        logger.error("run %s was not completed: %s", run.id, failure)
    finally:
        connection.leave(run)
