"""Runs: their lineage, their completion, and which there have been lately."""

from typing import Literal

from .errors import TargetMissing
from .limits import Limits
from .model import Run
from .ports import Clock, Store

Target = Literal["self", "parent", "root"]


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

    async def register(self, run: str, parent: str | None, root: str | None) -> Run:
        """Make or change a run's record. Without *root*, the parent's root is the root, or else
        the parent.
        """
        if parent is not None and root is None:
            above = await self.get(parent)
            root = (above.root if above else None) or parent
        now = self._clock()
        return await self._store.runs.put(
            Run(run, now, now + 2 * self._limits.retention_ms, parent, root)
        )

    async def resolve(self, run: str, target: Target) -> str:
        """Return the id of *run*, its parent or its root. Raises `TargetMissing`."""
        if target == "self":
            return run
        record = await self.get(run)
        found = getattr(record, target) if record else None
        if found is None:
            raise TargetMissing("Target not found", run=run, target=target)
        return str(found)

    async def complete(self, run: str) -> Run:
        """Mark the run completed: from now on no stream of it can be opened."""
        now = self._clock()
        life = self._limits.retention_ms
        return await self._store.runs.complete(Run(run, now, now + life, completed=now))

    async def recent(self, limit: int, after: tuple[int, str] | None) -> list[Run]:
        """Return runs that are not forgotten, newest first, those after *after*."""
        now = self._clock()
        found: list[Run] = []
        while len(found) < limit:
            runs = await self._store.runs.recent(limit, after)
            found += [run for run in runs if run.expires > now]
            if len(runs) < limit:
                break
            after = (runs[-1].created, runs[-1].id)
        return found[:limit]
