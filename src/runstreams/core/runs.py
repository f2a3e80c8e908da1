"""Runs: their lineage, their completion, their lease, and which there have been lately."""

from dataclasses import replace
from typing import Literal, NamedTuple

from .errors import InvalidRequest, TargetMissing
from .leasing import renewed
from .limits import LEASE_GRACE_MS, LIST_SCANNED, Limits
from .model import Lease, Run, Status
from .ports import Clock, Store

Target = Literal["self", "parent", "root"]

State = Literal["running", "lost"] | Status
"""How a run is: as it was completed, or else whether its producer keeps what it has promised."""

Place = tuple[int, str]
"""Where a run stands in the listing: its creation time and its id."""


class Claim(NamedTuple):
    """A promise to be heard of within *ms*."""

    holder: str
    ms: int


def state(run: Run, now: int) -> State:
    """Return how *run* is at *now*."""
    if run.status is not None:
        return run.status
    if run.lease is not None and run.lease.until + LEASE_GRACE_MS <= now:
        return "lost"
    return "running"


def registered(there: Run | None, run: Run) -> Run:
    """Return the record after *run* was registered, where *there* is what was there before. What
    *run* does not say of its lineage stays, and its lease takes nothing from the one there.
    """
    if there is None or there.expires <= run.created:
        return run
    return replace(
        there,
        parent=run.parent or there.parent,
        root=run.root or there.root,
        expires=there.expires if there.completed else max(there.expires, run.expires),
        lease=renewed(there.lease, run.lease) if run.lease and not there.completed else there.lease,
    )


def released(there: Run | None, holder: str) -> Run | None:
    """Return the record after *holder* has released its lease."""
    if there is None or there.lease is None or there.lease.holder != holder:
        return there
    return replace(there, lease=None)


def completed(there: Run | None, run: Run) -> Run:
    """Return the record after the completion that *run* says, where *there* is what was there
    before: the first completion counts.
    """
    if there is None or there.expires <= run.created:
        return run
    if there.completed is not None:
        return there
    return replace(
        there,
        completed=run.completed,
        status=run.status,
        error=run.error,
        expires=run.expires,
        lease=None,
    )


class RunBook:
    """Keeps one record per run. A run that nobody registered is implicit: it has no lineage and
    is not completed.
    """

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock

    async def get(self, run: str) -> Run | None:
        """Return the record of a run that is not forgotten."""
        record = await self._store.runs.get(run)
        return record if record is not None and record.expires > self._clock() else None

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> Run:
        """Make or change a run's record; what is None stays as it was. Without *root*, the root of
        a new *parent* is the root, or else that parent. With a *claim* its producer promises to be
        heard of. Raises `InvalidRequest`.
        """
        if parent == run:
            raise InvalidRequest("a run is not its own parent", run=run)
        if parent is not None and root is None:
            above = await self.get(parent)
            root = (above.root if above else None) or parent
        now = self._clock()
        lease = Lease(now + claim.ms, claim.ms, claim.holder) if claim else None
        return await self._store.runs.put(
            Run(run, now, now + 2 * self._limits.retention_ms, parent, root, lease=lease)
        )

    async def release(self, run: str, holder: str) -> Run | None:
        """Take back the promise of *holder*, unless another has followed it; return the record."""
        return await self._store.runs.release(run, holder)

    async def is_completed(self, run: str) -> bool:
        """Say whether the run takes no more chunks."""
        record = await self.get(run)
        return record is not None and record.completed is not None

    async def resolve(self, run: str, target: Target) -> str:
        """Return the id of *run*, its parent or its root. Raises `TargetMissing`."""
        if target == "self":
            return run
        record = await self.get(run)
        found = getattr(record, target) if record else None
        if found is None:
            raise TargetMissing("Target not found", run=run, target=target)
        return str(found)

    async def complete(
        self, run: str, status: Status = "completed", error: str | None = None
    ) -> Run:
        """Mark the run completed: from now on no stream of it can be opened. The first completion
        counts.
        """
        now = self._clock()
        life = self._limits.retention_ms
        return await self._store.runs.complete(
            Run(run, now, now + life, completed=now, status=status, error=error)
        )

    async def recent(
        self, limit: int, after: Place | None, wanted: State | None = None
    ) -> tuple[list[Run], Place | None]:
        """Return runs that are not forgotten, newest first, those after *after*; only those that
        are as *wanted*, if that is given. With them comes the place to go on from, or None after
        the last one.

        At most `LIST_SCANNED` or *limit* runs are looked at, so there may be fewer, even none,
        before the end.
        """
        now = self._clock()
        found: list[Run] = []
        for _ in range(0, max(LIST_SCANNED, limit), limit):
            runs = await self._store.runs.recent(limit, after)
            for run in runs:
                after = (run.created, run.id)
                if run.expires > now and wanted in (None, state(run, now)):
                    found.append(run)
                if len(found) == limit:
                    return found, after
            if len(runs) < limit:
                return found, None
        return found, after
