"""Runs that go on in this process, and which of them we are in."""

import inspect
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from ..core.public import public
from .engine.waiting import Told
from .lineage import Lineage, of_environ
from .run_context import RunContext
from .run_leases import RunLeases
from .writing.producer import Producer


class ActiveRun:
    """A run that was entered here: what is being written in it, and what is promised for it."""

    def __init__(self, lineage: Lineage, leases: RunLeases, is_joined: bool) -> None:
        self.lineage = lineage
        self.leases = leases
        self.is_joined = is_joined
        """Whether it was entered inside of itself: then it is the outer one that ends it."""
        self.over: Future[None] = Told()
        """Is done when it has ended."""
        self.interruption: BaseException | None = None
        """What its sources were closed by."""
        self._is_ending = False
        self._lock = threading.Lock()
        self._producers: set[Producer] = set()
        self._process = os.getpid()

    @property
    def id(self) -> str:
        return self.lineage.id

    @property
    def is_ours(self) -> bool:
        """Whether it was begun by this process, rather than by the one it was forked from."""
        return os.getpid() == self._process

    @property
    def is_taken_over(self) -> bool:
        """Whether another process goes on with a stream of it that was written in it."""
        return any(
            producer.is_kept_out and producer.stream.run == self.id for producer in self.left()
        )

    def begin(self) -> None:
        """Promise for it, until it has ended."""
        if not self.is_joined:
            self.leases.start()

    def claim_end(self) -> bool:
        """Say whether nobody else ends this run already; then whoever asks does."""
        with self._lock:
            is_first, self._is_ending = not self._is_ending, True
        return is_first

    def end(self) -> None:
        """Promise no more for it, and tell who waits for its end."""
        if self.is_ours and not self.is_joined:
            self.leases.stop()
        self.over.set_result(None)

    def adopt(self, producer: Producer) -> None:
        """Wait for *producer* at its end."""
        with self._lock:
            self._producers.add(producer)
        producer.result.add_done_callback(lambda _: self._forget(producer))

    def left(self) -> list[Producer]:
        """Return what was begun in this run, and has not ended well, or was kept out."""
        with self._lock:
            return [producer for producer in self._producers if producer.is_ours]

    def interrupt(self, error: BaseException) -> None:
        """Close the sources of what was begun in it: whoever interrupts does not want to wait for
        them to end.
        """
        self.interruption = error
        for producer in self.left():
            producer.seen = True
            producer.cancel(error)

    def abandon(self) -> None:
        """Send nothing more of what was begun in it."""
        for producer in self.left():
            producer.abandon()

    def _forget(self, producer: Producer) -> None:
        if producer.result.exception() is None and not producer.is_kept_out:
            with self._lock:
                self._producers.discard(producer)


CONTEXT: RunContext[ActiveRun] = RunContext("runstreams.run")


@public
class Run:
    """A run, and those above it."""

    def __init__(self, active: ActiveRun) -> None:
        self._active = active

    @property
    def id(self) -> str:
        """Its id."""
        return self._active.id

    @property
    def parent(self) -> str | None:
        """The id of the run that it was begun in."""
        return self._active.lineage.parent

    @property
    def root(self) -> str | None:
        """The id of the run above it that nothing is above."""
        return self._active.lineage.root

    def __repr__(self) -> str:
        above = f", child of {self.parent}" if self.parent else ""
        going_on = sum(not producer.result.done() for producer in self._active.left())
        return f"<Run {self.id}{above}: {going_on} pipes and writers go on>"

    def environ(self) -> dict[str, str]:
        """Return the environment variables that put another process into this run."""
        return self._active.lineage.environ()

    @contextmanager
    def attach(self) -> Iterator["Run"]:
        """Be in this run elsewhere: in a thread, an executor's work, a later step of a generator,
        which know nothing of where they were begun. The run goes on afterwards.
        """
        entered = CONTEXT.enter(self._active)
        try:
            yield self
        finally:
            CONTEXT.leave(entered)


def active_run() -> ActiveRun | None:
    """Return the innermost run that was entered here."""
    entered = CONTEXT.innermost()
    return None if entered is None else entered.run


def current_run(environ: Mapping[str, str] = os.environ) -> Lineage | None:
    """Return the run we are in: the innermost that was entered, or else the environment's."""
    return run.lineage if (run := active_run()) else of_environ(environ)


def check_ends(work: object) -> None:
    """Raise `TypeError` where *work* is a generator function, whose call ends before it begins."""
    if inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work):
        raise TypeError("a generator cannot be a run: it would end before it is iterated")
