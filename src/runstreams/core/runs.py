"""Runs: their lineage, their completion, their lease, and which there have been lately."""

import re
from dataclasses import replace
from typing import Literal

from .errors import (
    InvalidIndex,
    InvalidName,
    InvalidRequest,
    RunCompleted,
    RunstreamsError,
    TargetMissing,
    TooManyStreams,
)
from .leasing import Claim, renewed
from .limits import LEASE_GRACE_MS, LIST_SCANNED, Limits
from .model import Lease, Run, RunInfo, RunPage, RunStatus, Status, UnixMs
from .names import check_run
from .ports import Clock, Store

Target = Literal["self", "parent", "root"]

RunPlace = tuple[UnixMs, str]
"""Where a run stands among the recent ones: its creation time and id."""


def told(run: Run, now: UnixMs) -> RunInfo:
    """Return what users are told of *run* at *now*."""
    lease = run.lease
    status: RunStatus = run.status or "running"
    if run.status is None and lease is not None and lease.until + LEASE_GRACE_MS <= now:
        status = "lost"
    return RunInfo(
        id=run.id,
        created=run.created,
        expires=run.expires,
        parent=run.parent,
        root=run.root,
        completed=run.completed,
        status=status,
        error=run.error,
        leased_until=lease.until if lease else None,
    )


def place_of(token: str) -> RunPlace:
    """Return the place of the run that *token* names, the `next` of a page. Raises
    `InvalidIndex`.
    """
    created, _, run = token.partition("-")
    try:
        if not re.fullmatch(r"[0-9]{1,16}", created):
            raise ValueError(created)
        return int(created), check_run(run)
    except (ValueError, InvalidName):
        raise InvalidIndex("after must be the next of a page before") from None


def _fits(run: RunInfo, status: RunStatus | None, parent: str | None) -> bool:
    return status in (None, run.status) and parent in (None, run.parent)


def _token(place: RunPlace) -> str:
    created, run = place
    return f"{created}-{run}"


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


def run_is_completed(run: str) -> RunCompleted:
    """Return the error that tells that *run* takes no more chunks."""
    return RunCompleted("the run is completed", run=run)


def named(error: RunstreamsError, run: str) -> RunstreamsError:
    """Return *error* of a stream of *run*; a head does not know which run has completed it."""
    return run_is_completed(run) if isinstance(error, RunCompleted) else error


def opened(there: Run | None, run: Run, limits: Limits) -> Run:
    """Return the record after a stream of *run* was opened at its creation, where *there* is what
    was there before. It lasts as long as *run* says, or longer. Streams are counted anew in each
    retention period. Raises `RunCompleted`, `TooManyStreams`.
    """
    if there is None or there.expires <= run.created:
        there = run
    if there.completed is not None:
        raise run_is_completed(run.id)
    there = replace(there, expires=max(there.expires, run.expires))
    if not limits.run_streams:
        return there
    until = there.counted + limits.retention_ms
    if not there.counted or until <= run.created:
        return replace(there, streams=1, counted=run.created)
    if there.streams >= limits.run_streams:
        raise TooManyStreams(
            f"the run has opened {there.streams} streams, and may not open more for now",
            limit=limits.run_streams,
            run=run.id,
            retry_after=-(-(until - run.created) // 1000),
        )
    return replace(there, streams=there.streams + 1)


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

    async def get(self, run: str) -> RunInfo | None:
        """Return the record of a run that is not forgotten."""
        return self._unless_forgotten(await self._store.runs.get(run))

    def _unless_forgotten(self, record: Run | None) -> RunInfo | None:
        now = self._clock()
        return told(record, now) if record is not None and record.expires > now else None

    async def register(
        self, run: str, parent: str | None, root: str | None, claim: Claim | None = None
    ) -> RunInfo:
        """Make or change a run's record; what is None stays as it was. Without *root*, the root of
        a new *parent* is the root, or else that parent. With a *claim* its producer promises to be
        heard of. Raises `InvalidRequest`.
        """
        if parent == run:
            raise InvalidRequest("a run is not its own parent")
        if parent is not None and root is None:
            above = await self.get(parent)
            root = (above.root if above else None) or parent
        now = self._clock()
        lease = Lease(now + claim.ms, claim.ms, claim.holder) if claim else None
        expires = now + 2 * self._limits.retention_ms
        record = await self._store.runs.put(Run(run, now, expires, parent, root, lease=lease))
        return told(record, now)

    async def release(self, run: str, holder: str) -> RunInfo | None:
        """Take back the promise of *holder*, unless another has followed it; return the run."""
        return self._unless_forgotten(await self._store.runs.release(run, holder))

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
            raise TargetMissing(f"run {run!r} has no {target}", run=run, target=target)
        return str(found)

    async def complete(
        self, run: str, status: Status = "completed", error: str | None = None
    ) -> Run:
        """Mark the run completed: from now on no stream of it can be opened. The first completion
        counts; return the record that says it.
        """
        now = self._clock()
        expires = now + self._limits.retention_ms
        record = Run(run, now, expires, completed=now, status=status, error=error)
        return await self._store.runs.complete(record)

    async def page(
        self,
        limit: int,
        after: RunPlace | None,
        status: RunStatus | None = None,
        parent: str | None = None,
    ) -> RunPage:
        """Return runs that are not forgotten, newest first, those after *after*, and the token to
        go on with; only those of a *status*, or of a *parent*, if it is given.

        At most `LIST_SCANNED` runs or *limit* are looked at, so there may be fewer, even none,
        before the end.
        """
        found, now = list[RunInfo](), self._clock()
        for _ in range(0, max(LIST_SCANNED, limit), limit):
            records = await self._store.runs.recent(limit, after)
            for record in records:
                after, run = (record.created, record.id), told(record, now)
                if run.expires > now and _fits(run, status, parent):
                    found.append(run)
                if len(found) == limit:
                    return RunPage(found, _token(after))
            if len(records) < limit:
                return RunPage(found, None)
        return RunPage(found, None if after is None else _token(after))
