"""How a run ends: what was begun in it is waited for and sent, and the server is told."""

import asyncio
import logging

from ..core.errors import RunstreamsError
from .closing import reason_of, status_after
from .engine.calls import PatientCalls
from .errors import NotSent
from .runs import ActiveRun
from .writing.flushing import flush, report

logger = logging.getLogger("runstreams")


async def end_run(
    calls: PatientCalls, run: ActiveRun, error: BaseException | None, seconds: float
) -> BaseException | None:
    """Wait for the sources of *run*, send what is left, and end it as its body has ended. It is
    given up when nothing is acknowledged for *seconds*.

    Returns what else went wrong and nobody has seen: an error of one pipe, or a group of several.
    """
    if error is not None and status_after(error) == "canceled":
        run.interrupt(error)
    problems = await _problems(run, seconds, logging.INFO if error is None else logging.WARNING)
    try:
        async with asyncio.timeout(seconds if problems else None):
            cause = error or run.interruption or (problems[0] if problems else None)
            await _end(calls, run, cause)
    except (RunstreamsError, TimeoutError) as failure:
        if not problems:
            raise
        # What could not be sent is worth more than that this could not be said.
        logger.error("run %s was not completed: %s", run.id, failure)
    if error is not None:
        for problem in problems:
            logger.error("beside the error that ended run %s: %s", run.id, reason_of(problem))
        return None
    return _together(problems)


async def _end(calls: PatientCalls, run: ActiveRun, cause: BaseException | None) -> None:
    status = status_after(cause)
    if run.is_taken_over:
        logger.warning("run %s is left to whoever has taken a stream of it over", run.id)
    elif run.is_ours and not run.is_joined:
        # Who leaves by `sys.exit(0)` has raised, and nothing has gone wrong.
        reason = None if cause is None or status == "completed" else reason_of(cause)
        await calls.complete(run.id, status, reason)


async def _problems(run: ActiveRun, seconds: float, level: int) -> list[BaseException]:
    producers = run.left()
    problems: list[BaseException] = []
    for producer in await flush(producers, seconds, level):
        problems.append(NotSent(report(producer, seconds), unsent=producer.unsent))
        producer.cancel()
    for producer in producers:
        if producer.result.done() and not producer.seen and (error := producer.result.exception()):
            problems.append(error)
    return problems


def _together(problems: list[BaseException]) -> BaseException | None:
    if len(problems) < 2:
        return problems[0] if problems else None
    return BaseExceptionGroup("several streams of the run were not sent", problems)
