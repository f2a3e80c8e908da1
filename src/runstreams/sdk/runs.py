"""Runs: which one we are in, what lies above it, what a target means, and how a run ends."""

import asyncio
import inspect
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from ..core.errors import RunstreamsError
from ..core.names import check_run
from ..core.public import public
from .closing import reason_of, status_after
from .engine.calls import PatientCalls
from .engine.waiting import Told
from .errors import NoRun, NotSent
from .run_context import RunContext
from .run_leases import RunLeases
from .writing.flushing import flush, report
from .writing.producer import Producer

logger = logging.getLogger("runstreams")

_RUN_ID = "RUNSTREAMS_RUN_ID"
_PARENT_RUN_ID = "RUNSTREAMS_PARENT_RUN_ID"
_ROOT_RUN_ID = "RUNSTREAMS_ROOT_RUN_ID"
"""How a process is told which run it belongs to."""


@public
class Run:
    """A run, those above it, and what is being written in it."""

    def __init__(self, id: str, parent_id: str | None = None, root_id: str | None = None) -> None:
        self.id = id
        self.parent_id = parent_id
        self.root_id = root_id
        self._is_joined = False
        self._leases: RunLeases | None = None
        self._over: Future[None] = Told()
        self._is_ending = False
        self._interruption: BaseException | None = None
        self._lock = threading.Lock()
        self._producers: set[Producer] = set()
        self._process = os.getpid()

    def __repr__(self) -> str:
        above = f", child of {self.parent_id}" if self.parent_id else ""
        going_on = sum(not producer.result.done() for producer in self._left())
        return f"<Run {self.id}{above}: {going_on} pipes and writers go on>"

    def environ(self) -> dict[str, str]:
        """Return the environment variables that put another process into this run."""
        said = {_RUN_ID: self.id, _PARENT_RUN_ID: self.parent_id, _ROOT_RUN_ID: self.root_id}
        return {name: value for name, value in said.items() if value is not None}

    @contextmanager
    def attach(self) -> Iterator["Run"]:
        """Be in this run elsewhere: in a thread, an executor's work, a later step of a generator,
        which know nothing of where they were begun. The run goes on afterwards.
        """
        entered = CONTEXT.enter(self)
        try:
            yield self
        finally:
            CONTEXT.leave(entered)

    def _begin_end(self) -> bool:
        """Say whether nobody else ends this run already; then whoever asks does."""
        with self._lock:
            is_first, self._is_ending = not self._is_ending, True
        return is_first

    def _adopt(self, producer: Producer) -> None:
        with self._lock:
            self._producers.add(producer)
        producer.result.add_done_callback(lambda _: self._forget(producer))

    def _left(self) -> list[Producer]:
        """Return what was begun in this run, and has not ended well, or was kept out."""
        with self._lock:
            return [producer for producer in self._producers if producer.is_ours]

    def _interrupt(self, error: BaseException) -> None:
        """Close the sources of what was begun in it: whoever interrupts does not want to wait for
        them to end.
        """
        self._interruption = error
        for producer in self._left():
            producer.seen = True
            producer.cancel(error)

    def _abandon(self) -> None:
        for producer in self._left():
            producer.abandon()

    @property
    def _is_ours(self) -> bool:
        """Whether it was begun by this process, rather than by the one it was forked from."""
        return os.getpid() == self._process

    @property
    def _is_taken_over(self) -> bool:
        """Whether another process goes on with a stream of it that was written in it."""
        return any(
            producer.is_kept_out and producer.stream.run == self.id for producer in self._left()
        )

    def _forget(self, producer: Producer) -> None:
        if producer.result.exception() is None and not producer.is_kept_out:
            with self._lock:
                self._producers.discard(producer)


CONTEXT: RunContext[Run] = RunContext("runstreams.run")


def current_run(environ: Mapping[str, str] = os.environ) -> Run | None:
    """Return the run we are in: the innermost `streams.run`, or else the environment's."""
    if (entered := CONTEXT.innermost()) is not None:
        return entered.run
    if not (run := environ.get(_RUN_ID)):
        return None
    return Run(run, environ.get(_PARENT_RUN_ID) or None, environ.get(_ROOT_RUN_ID) or None)


def adopt(producer: Producer) -> None:
    """Wait for *producer* at the end of the run that was entered here, if one was."""
    if (entered := CONTEXT.innermost()) is not None:
        entered.run._adopt(producer)


def resolve(target: str | None, run: Run | None) -> str:
    """Return the id of the run that *target* means, seen from *run*.

    None and `"self"` mean the run itself, `"parent"` and `"root"` those above it or, where there
    are none, the run itself; anything else is a run's id. Raises `NoRun`, `InvalidName`.
    """
    if target not in (None, "self", "parent", "root"):
        return check_run(target)
    if run is None:
        raise NoRun(
            "no run to write to: name one with target='run_...', or be inside `streams.run(...)`; "
            "a thread is inside by `with run.attach()`"
        )
    above = {"parent": run.parent_id, "root": run.root_id}.get(target or "self")
    return above or run.id


def begun(id: str, parent: str | None, root: str | None, inside: Run | None) -> Run:
    """Return run *id*, begun *inside* another one, which is its parent unless one is named.

    A run that is entered again keeps what is above it.
    """
    if inside is None or parent is not None or root is not None:
        return Run(id, parent, root)
    if inside.id == id:
        return Run(id, inside.parent_id, inside.root_id)
    return Run(id, inside.id, inside.root_id or inside.id)


def check_ends(work: object) -> None:
    """Raise `TypeError` where *work* is a generator function, whose call ends before it begins."""
    if inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work):
        raise TypeError("a generator cannot be a run: it would end before it is iterated")


async def end_run(
    calls: PatientCalls, run: Run, error: BaseException | None, seconds: float
) -> BaseException | None:
    """Wait for the sources of *run*, send what is left, and end it as its body has ended. It is
    given up when nothing is acknowledged for *seconds*.

    Returns what else went wrong and nobody has seen: an error of one pipe, or a group of several.
    """
    if error is not None and status_after(error) == "canceled":
        run._interrupt(error)
    problems = await _problems(run, seconds, logging.INFO if error is None else logging.WARNING)
    try:
        async with asyncio.timeout(seconds if problems else None):
            cause = error or run._interruption or (problems[0] if problems else None)
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


async def _end(calls: PatientCalls, run: Run, cause: BaseException | None) -> None:
    status = status_after(cause)
    if run._is_taken_over:
        logger.warning("run %s is left to whoever has taken a stream of it over", run.id)
    elif run._is_ours and not run._is_joined:
        # Who leaves by `sys.exit(0)` has raised, and nothing has gone wrong.
        reason = None if cause is None or status == "completed" else reason_of(cause)
        await calls.complete(run.id, status, reason)


async def _problems(run: Run, seconds: float, level: int) -> list[BaseException]:
    producers = run._left()
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
