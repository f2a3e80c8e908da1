"""The end of a run: what was begun in it is sent, then the run is completed or marked failed."""

import logging

from .calls import Calls
from .endings import reason_of, status_after
from .errors import NotSent
from .flushing import flush, report
from .lineage import Run

logger = logging.getLogger("runstreams")


async def end_run(
    calls: Calls, run: Run, error: BaseException | None, seconds: float
) -> BaseException | None:
    """Send what is left of *run*, at most *seconds* long, and end it as its body has ended.

    Returns what else went wrong and nobody has seen: an error of one pipe, or a group of several.
    """
    if status_after(error) == "canceled":
        for flow in run.outflows:
            # Whoever interrupts does not want to wait for sources to end.
            flow.seen = True
            flow.cancel(error)
    problems = await _problems(run, seconds)
    cause = error or (problems[0] if problems else None)
    status = status_after(cause)
    if cause is None or status == "completed":
        await calls.complete(run.id)
    else:
        await calls.end_badly(run.id, status, reason_of(cause))
    if error is not None:
        for problem in problems:
            logger.error("beside the error that ended run %s: %s", run.id, problem)
        return None
    return _together(problems)


async def _problems(run: Run, seconds: float) -> list[BaseException]:
    outflows = run.outflows
    problems: list[BaseException] = []
    for flow in await flush(outflows, seconds):
        problems.append(NotSent(report(flow), unsent=flow.unsent))
        flow.cancel()
    for flow in outflows:
        if flow.result.done() and not flow.seen and (error := flow.result.exception()):
            problems.append(error)
    return problems


def _together(problems: list[BaseException]) -> BaseException | None:
    if len(problems) < 2:
        return problems[0] if problems else None
    return BaseExceptionGroup("several streams of the run were not sent", problems)
