"""Runs: their lineage, their completion, and which there have been lately."""

import re
from dataclasses import replace
from typing import Literal

from .errors import InvalidIndex, InvalidName, InvalidRequest, TargetMissing
from .limits import Limits
from .model import RunInfo, RunPage, UnixMs
from .names import check_run
from .ports import Clock, Store

Target = Literal["self", "parent", "root"]

RunPlace = tuple[UnixMs, str]
"""Where a run stands among the recent ones: its creation time and id."""


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


def _token(run: RunInfo) -> str:
    return f"{run.created}-{run.id}"


def registered(there: RunInfo | None, run: RunInfo) -> RunInfo:
    """Return the record after *run* was registered, where *there* is what was there before. What
    *run* does not say of its lineage stays.
    """
    if there is None or there.expires <= run.created:
        return run
    return replace(
        there,
        parent=run.parent or there.parent,
        root=run.root or there.root,
        expires=there.expires if there.completed else max(there.expires, run.expires),
    )


def completed(there: RunInfo | None, run: RunInfo) -> RunInfo:
    """Return the record after the completion that *run* says, where *there* is what was there
    before: the first completion counts.
    """
    if there is None or there.expires <= run.created:
        return run
    if there.completed is not None:
        return there
    return replace(there, completed=run.completed, expires=run.expires)


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
        record = await self._store.runs.get(run)
        return record if record is not None and record.expires > self._clock() else None

    async def register(self, run: str, parent: str | None, root: str | None) -> RunInfo:
        """Make or change a run's record; what is None stays as it was. Without *root*, the root of
        a new *parent* is the root, or else that parent. Raises `InvalidRequest`.
        """
        if parent == run:
            raise InvalidRequest("a run is not its own parent")
        if parent is not None and root is None:
            above = await self.get(parent)
            root = (above.root if above else None) or parent
        now = self._clock()
        return await self._store.runs.put(
            RunInfo(run, now, now + 2 * self._limits.retention_ms, parent, root)
        )

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

    async def complete(self, run: str) -> RunInfo:
        """Mark the run completed: from now on no stream of it can be opened."""
        now = self._clock()
        life = self._limits.retention_ms
        return await self._store.runs.complete(RunInfo(run, now, now + life, completed=now))

    async def page(self, limit: int, after: RunPlace | None) -> RunPage:
        """Return runs as `recent` does, and the token to go on with."""
        found = await self.recent(limit, after)
        return RunPage(found, _token(found[-1]) if len(found) == limit else None)

    async def recent(self, limit: int, after: RunPlace | None) -> list[RunInfo]:
        """Return runs that are not forgotten, newest first, those after *after*."""
        now = self._clock()
        found: list[RunInfo] = []
        while len(found) < limit:
            runs = await self._store.runs.recent(limit, after)
            found += [run for run in runs if run.expires > now]
            if len(runs) < limit:
                break
            after = (runs[-1].created, runs[-1].id)
        return found[:limit]
