"""One seed's world: a store, processes that come and go, and everybody who uses them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal, TypeVar
from unittest.mock import patch

from runstreams.core import deleting, following, reading
from runstreams.core.errors import RunstreamsError
from runstreams.core.limits import Limits, SealingPlan
from runstreams.core.log import Log
from runstreams.core.model import Head, StreamId
from runstreams.core.ports import Committed, Opened
from runstreams.stores.memory import MemoryStore
from tests import virtual_time
from tests.simulation.chaos import CALM, STORMY, WINDY, ChaoticStore, Process
from tests.simulation.ledger import (
    Ledger,
    Violation,
    audit,
    audit_fork,
    audit_run,
    audit_size,
    check_lease,
    require,
)

T = TypeVar("T")

LIFE_MS = 60_000
"""Retention in a world where chunks expire."""

FORGOTTEN_MS = 30_000
"""How long ago a fork must have been forgotten for others to be deleted: no step takes so long."""

SKEW_MS = 400
"""How far a clock may be off."""


Kind = Literal["lasting", "deleting", "expiring"]

Version = Literal["this", "careful", "before"]
"""What a process is: one that lets batches lie in heads, one that only reads and seals them, and
one that knows nothing of it.
"""


LONGEST_SECONDS = 3600
"""No course of events takes so long, in its own time, unless somebody waits in vain."""


class Died(Exception):
    """The process that was asked has died, or its answer was not waited for."""


@dataclass
class World:
    """Everything a course of events depends on, drawn from one seed."""

    seed: int
    kind: Kind | None = None
    """Whether the stream lasts, is deleted or expires; as the seed has it if not given."""
    rng: Random = field(init=False)
    lease_ms: int = field(init=False)
    """How long a sign of life counts here; 0 where nobody promises any."""
    promises: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of each producer that lives and holds a lease: the generation and until when it has
    promised to be heard of.
    """
    trace: list[str] | None = None
    over: bool = False
    abandoned: bool = False
    """Whether a request was left alone or cancelled, so that it may leave a batch behind."""
    ended: bool = False
    """Whether somebody has begun to close the stream or to complete its run."""
    completed: bool = False
    """Whether the run's completion has been acknowledged."""
    refused: set[bytes] = field(default_factory=set)
    """Chunks of anonymous writers that were told that nothing had happened."""
    stops: bool = False
    """Whether the producers have been asked to stop."""
    busy: bool = True
    """Whether there are writers that have not finished."""
    violation: "asyncio.Future[None]" = field(init=False)
    """Raises the first thing that must never be."""

    def __post_init__(self) -> None:
        self.rng = rng = Random(self.seed)
        self.weather = rng.choice((CALM, WINDY, WINDY, STORMY))
        drawn: Kind = rng.choice(("lasting", "lasting", "deleting", "expiring"))
        self.kind = self.kind or drawn
        self.limits = Limits(
            retention_ms=LIFE_MS if self.kind == "expiring" else 10**9,
            stream_bytes=rng.choice((0, 0, 0, 0, 400)),
        )
        self.plan = _plan(rng)
        # By itself, so that worlds without leases go on as they would if there were none.
        leases = Random(f"{self.seed} leases")
        self.lease_ms = leases.choice((0, 0, 3_000, 8_000, 20_000))
        # Just so: worlds in which no batch lies in its pointer go on as they would without.
        self.inlining = Random(f"{self.seed} inline")
        self.inline_bytes = self.inlining.choice((0, 0, 20, 60, 1000))
        self.limits = replace(self.limits, inline_bytes=self.inline_bytes)
        if self.inline_bytes:
            self.plan = _inlining(self.plan, self.inlining)
        self.index_guess = rng.choice((16, 64, 65_536))
        self.event_chunks = rng.choice((1, 3, 8))
        self.takes_over = self.seed % 4 == 2
        """Whether somebody takes the stream over here."""
        self.superseding = Random(f"{self.seed} superseding") if self.seed % 8 in (1, 6) else None
        """By what writers decide that chunks no longer count, where they do."""
        self._ids = 0
        self.store = MemoryStore(self.new_id, self.plan, inlines=True)
        self.store.window = rng.choice((1, 40, 200, 10_000))
        self.ledger = Ledger()
        self.stream = StreamId("run", "key")
        self._past: list[tuple[int, Head | None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._logs: list[tuple[Process, Log]] = []
        self._processes = rng.randrange(1, 4)

    @property
    def starts_anew(self) -> bool:
        """Say whether the stream may be forgotten here, so that its name starts at 0 again."""
        return self.kind != "lasting"

    # Time and names

    def now(self) -> int:
        """Return the true time."""
        return virtual_time.clock()

    def new_id(self) -> str:
        """Return a fresh name."""
        self._ids += 1
        return f"{self._ids:016x}" * 2

    # Processes

    def log(self) -> tuple[Process, Log]:
        """Return one of the processes that run now, and its log."""
        return self.rng.choice(self.logs())

    def logs(self) -> list[tuple[Process, Log]]:
        """Return all processes that run now, and their logs."""
        self._logs = [(process, log) for process, log in self._logs if not process.death.done()]
        while len(self._logs) < self._processes:
            self._logs.append(self._start())
        return self._logs

    def _start(self) -> tuple[Process, Log]:
        skew = self.rng.randrange(-SKEW_MS, SKEW_MS + 1) if self.rng.random() < 0.7 else 0
        process = Process(self, f"p{self.new_id()[-3:]}", skew, self._version())
        background, hasty = self.rng.random() < 0.5, self.rng.random() < 0.2
        store: Any = ChaoticStore(process)
        log = Log(
            store,
            limits=self.limits if process.version == "this" else self._careful,
            clock=process.clock,
            new_id=self.new_id,
            background=background,
            time_left=lambda: self.rng.choice((0, 60_000)) if hasty else 60_000,
        )
        return process, log

    def _version(self) -> Version:
        """Return which version runs next: in the middle of a deployment there are several. One that
        knows everything is always among them, or nobody might ever be answered.
        """
        if not self.inline_bytes:
            return "before"
        if all(process.version == "before" for process, _ in self._logs):
            return "this"
        return self.inlining.choice(("this", "this", "careful", "before"))

    @property
    def _careful(self) -> Limits:
        return replace(self.limits, inline_bytes=0)

    def quiet_log(self) -> Log:
        """Return the log of a process that nothing ever happens to."""
        return Log(
            self.store, limits=self.limits, clock=self.now, new_id=self.new_id, background=False
        )

    async def ask(
        self, process: Process, request: Coroutine[Any, Any, T], patience: float | None = None
    ) -> T:
        """Return the answer to *request*. Raises `Died` when the process dies, or when the client
        has no more *patience*: then the request goes on, or is cancelled, as the seed has it.
        """
        task = self.start(request)
        either: list[asyncio.Future[Any]] = [task, process.death]
        await asyncio.wait(either, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            self.abandoned = True
            if not process.death.done() and self.rng.random() < 0.5:
                task.cancel()
            raise Died
        return task.result()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run *coroutine* beside everything else; what it must not meet is kept."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._keep_violation)
        return task

    def _keep_violation(self, task: "asyncio.Task[Any]") -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, RunstreamsError | Died):
            self._violated(error)

    def _violated(self, error: BaseException) -> None:
        if not self.violation.done():
            self.violation.set_exception(error)

    # The store

    async def effect(
        self, port: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Let a call take effect, and look whether everything is still right."""
        if kwargs.get("strong") is False:
            return self._a_moment_ago()
        if (port, method) == ("segments", "put"):
            self.checked(self.ledger.check_segment, args[1], args[2])
        stream = args[0] if port == "heads" and isinstance(args[0], StreamId) else self.stream
        before = self.head(stream)
        answer = await getattr(getattr(self.store, port), method)(*args, **kwargs)
        self.checked(check_lease, before, self.head(stream), method, args)
        if (port, method) == ("heads", "lose") and answer:
            self.ledger.closed.add(args[1].generation)
            living = [until for of, until in self.promises.values() if of == args[1].generation]
            self.checked(self.ledger.lost, before, args[1].generation, living, self.now() + SKEW_MS)
        if (port, method) == ("heads", "commit") and isinstance(answer, Committed):
            is_over = self.completed and args[0].run == self.stream.run
            self.checked(require, not is_over, "a completed run took a chunk")
            self.checked(self.ledger.committed, args[0], args[1], args[3], answer)
        if isinstance(answer, Opened) and answer.done and answer.head.fork is not None:
            self.checked(self.ledger.forked, args[1])
        if isinstance(answer, Opened) and answer.done and args[4] is not None:
            is_over = self.completed and args[0].run == self.stream.run
            self.checked(require, not is_over, "a completed run took a chunk")
            done = Committed(answer.head.pending[-1].first, answer.head)
            self.checked(self.ledger.committed, args[0], args[4], 0, done)
        if (port, method) == ("heads", "close") and answer is not None:
            fence = kwargs.get("fence")
            self.checked(self.ledger.check_late_close, before, answer, fence)
            if answer.closed is not None:
                self.ledger.closed.add(answer.generation)
        if (port, method) == ("heads", "take_over") and answer.done:
            self.checked(self.ledger.taken_over, answer.head)
        self._remember()
        now = self.now() + SKEW_MS
        self.checked(audit, self.store, self.ledger, self.stream, now, self.limits)
        for key, head in self.store.heads.items.get("forks", {}).items():
            fork = StreamId("forks", key)
            self.checked(audit_fork, self.store, self.ledger, fork, head, now, self.limits)
        self.checked(audit_size, self.head(), self.plan, self.limits)
        if self.weather is CALM and self.kind != "deleting":
            run = self.store.runs.items.get(self.stream.run)
            self.checked(audit_run, self.head(), run, now)
        return answer

    def later(self, effect: Callable[[], Awaitable[Any]]) -> None:
        """Let *effect* happen after a while, with nobody waiting for it."""

        async def wait() -> None:
            await asyncio.sleep(self.rng.random())
            await effect()

        self.start(wait())

    def checked(self, check: Callable[..., None], *args: Any) -> None:
        """Keep a violation, wherever the core lets errors end."""
        try:
            check(*args)
        except Violation as violation:
            self._violated(violation)

    def head(self, stream: StreamId | None = None) -> Head | None:
        """Return the true state of *stream*, or of the one that all is about."""
        run, key = stream or self.stream
        return self.store.heads.items.get(run, {}).get(key)

    def _remember(self) -> None:
        head = self.head()
        if not self._past or self._past[-1][1] is not head:
            self._past.append((self.now(), head))

    def news_since(self, generation: str, index: int) -> int | None:
        """Return since when the stream has chunk *index*, or is closed; None if it is neither."""
        for time, head in self._past:
            if head is None or head.generation != generation:
                continue
            if head.tail > index or head.closed:
                return time
        return None

    def _a_moment_ago(self) -> Head | None:
        """Return what an eventually consistent read gives: a state of the last second."""
        last = len(self._past) - 1
        if last < 0:
            return None
        first = last
        while first and self._past[first][0] > self.now() - 1000:
            first -= 1
        return self._past[self.rng.randrange(max(first, last - 4), last + 1)][1]

    def note(self, *words: object) -> None:
        """Write down a step, for whoever looks at one seed."""
        if self.trace is not None:
            line = " ".join(str(word)[:300] for word in words)
            self.trace.append(f"{self.now() - virtual_time.START_MS:8} {line}")

    async def end(self) -> None:
        """Stop everything that is still running."""
        self.over = True
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Main = Callable[[World], Coroutine[Any, Any, None]]
"""What happens in a world."""


def run(seed: int, main: Main, trace: list[str] | None = None, kind: Kind | None = None) -> None:
    """Run *main* in the world of *seed*. Raises `Violation`, saying how to have it again."""
    logging.disable(logging.CRITICAL)
    try:
        virtual_time.run(_course(World(seed, kind, trace=trace), main))
    except Exception as error:
        raise Violation(
            f"seed {seed}: {error!r}; again: python -m tests.simulation {seed}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)


async def _course(world: World, main: Main) -> None:
    world.violation = asyncio.get_running_loop().create_future()
    course = asyncio.ensure_future(main(world))
    try:
        with (
            patch.object(reading, "INDEX_GUESS", world.index_guess),
            patch.object(following, "EVENT_CHUNKS", world.event_chunks),
            patch.object(deleting, "FORGOTTEN_MS", FORGOTTEN_MS),
        ):
            done, _ = await asyncio.wait(
                [course, world.violation],
                timeout=LONGEST_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        require(bool(done), "it does not come to an end")
        for each in (world.violation, course):
            if each in done:
                each.result()
    finally:
        await world.end()
        for each in (world.violation, course):
            if each.done() and not each.cancelled():
                each.exception()  # one is enough; asyncio need not tell of the other


def _plan(rng: Random) -> SealingPlan:
    return SealingPlan(
        every=rng.choice((1, 1, 2, 3, 4)),
        batches=rng.randrange(2, 6),
        segment_bytes=rng.choice((60, 200, 400, 5000)),
        segment_chunks=rng.choice((5, 20, 1000)),
        unsealed=rng.choice((5, 8, 16)),
        fan_in=rng.randrange(2, 4),
        clients=rng.choice((1, 1, 2, 4, None)),
        clients_slack=rng.choice((1, 1, 2)),
    )


def _inlining(plan: SealingPlan, rng: Random) -> SealingPlan:
    enough = rng.choice((60, 150, 1000))
    return replace(
        plan,
        inlined_every=rng.choice((50, 120, 2000)),
        inlined_enough=enough,
        inlined_most=enough + rng.choice((0, 70, 200)),
    )
