"""The SQLite store: how its parts come together."""

from collections.abc import Callable
from pathlib import Path

from ...core.limits import MIB, Limits, SealingPlan
from ...core.ports import NewId
from .appends import Appends
from .batches import SqliteBatches
from .checkpoints import Checkpoints
from .heads import SqliteHeads
from .place import Place
from .queries import Queries
from .runs import SqliteRuns
from .schema import create
from .segments import SqliteSegments
from .sweep import Sweep, Swept
from .transactions import Transactions

PLAN = SealingPlan(
    every=256,
    batches=1024,
    segment_bytes=MIB,
    segment_chunks=8_192,
    unsealed=1 << 40,
    clients=None,
)
"""Sealing is rarer here than on S3, as an unsealed batch is a row that costs little: reading 256 of
them takes a ms. Segments are smaller, so that making one holds nobody up for long. No append is
ever refused for want of sealing, and all clients stay in the head.
"""


class SqliteStore:
    """Heads, runs, batches and segments in one database file, for the processes of one machine.

    One process's store belongs to one event loop at a time, and must not be used after a fork.
    """

    mark = ""
    window = MIB

    def __init__(
        self,
        folder: Path,
        *,
        new_id: NewId,
        power_safe: bool = False,
        plan: SealingPlan = PLAN,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Open the database in *folder*, making it if missing.

        What was committed survives the death of the process. With *power_safe* it survives a power
        failure too; without, such a failure takes at most what was committed in the seconds before
        it, and never something older than what it leaves. *committed* is called after each group of
        commits. Raises `StoreError` for a file of a newer version.
        """
        path = create(folder)
        self.plan = plan
        self._place = place = Place(path)
        self._queries = Queries(place)
        self._checkpoints = Checkpoints(path)
        appends = Appends(plan)
        self._committed = committed
        self._transactions = Transactions(place, power_safe, self._wrote, appends)
        self.heads = SqliteHeads(self._queries, self._transactions, appends)
        self.runs = SqliteRuns(self._queries, self._transactions)
        self.batches = SqliteBatches(self._queries, self._transactions, new_id)
        self.segments = SqliteSegments(self._queries, self._transactions)

    def _wrote(self, size: int) -> None:
        self._checkpoints.wrote(size)
        self._committed()

    def changes(self) -> bool:
        """Say whether another process may have committed something since the last call."""
        return self._transactions.others_wrote()

    async def sweep(self, now: int, limits: Limits) -> Swept:
        """Remove what has expired by *now*, with what nobody refers to, and give space back.

        To be called every few minutes by one or all of the processes; appends go on meanwhile.
        """
        return await Sweep(self._queries, self._transactions, now, limits).run()

    async def aclose(self) -> None:
        """Finish what is under way and close all connections."""
        await self._transactions.aclose()
        self._checkpoints.close()
        self._queries.close()
        self._place.close()
