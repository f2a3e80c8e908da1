"""Merging: neighbouring small segments become larger ones.

No update of the head is needed: the large segment is written beside the small ones, and only then
are those deleted. Readers choose the segment that reaches furthest.
"""

from asyncio import gather
from collections.abc import Sequence

from .cleaning import cleaned
from .limits import SealingPlan
from .model import SegmentName, StreamId
from .ports import Store
from .segment import merged, parse_index


class Merger:
    """Merges the segments of one stream at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def merge(
        self, stream: StreamId, generation: str, upto: int, *, finally_: bool = False
    ) -> None:
        """Merge neighbouring segments of about one size when enough have gathered, of the chunks
        *upto* an index; *finally_* merges all that fit.
        """
        plan, at = self._store.plan, 0
        while at < upto and (names := await self._store.segments.names(stream, generation, at)):
            at = names[-1].last + 1
            names = await self._without_covered(stream, names)
            for group in groups(names, plan, finally_):
                await self._merge(stream, group)

    async def _without_covered(
        self, stream: StreamId, names: Sequence[SegmentName]
    ) -> list[SegmentName]:
        """Delete segments whose chunks another one holds too: leftovers of lost races and
        broken-off merges.
        """
        kept: list[SegmentName] = []
        covered: list[SegmentName] = []
        for name in sorted(names, key=lambda name: (name.first, -name.last)):
            (covered if kept and name.last <= kept[-1].last else kept).append(name)
        if covered:
            await cleaned(self._store.segments.delete(stream, covered))
        return kept

    async def _merge(self, stream: StreamId, group: Sequence[SegmentName]) -> None:
        # Side by side, as an append may wait for it; together they are no more than one segment.
        bodies = await gather(
            *(self._store.segments.get(stream, name, 0, name.size) for name in group)
        )
        segments = [(parse_index(body), body) for body in bodies]
        last = group[-1]
        name = SegmentName(last.generation, last.last, group[0].first, last.time)
        await self._store.segments.put(stream, name, merged(segments))
        await cleaned(self._store.segments.delete(stream, group))


def groups(
    names: Sequence[SegmentName], plan: SealingPlan, finally_: bool = False
) -> list[list[SegmentName]]:
    """Return runs of neighbouring segments to merge, each no larger than a segment may be.

    Unless *finally_*, they are as many as the *plan* merges at a time, or fewer that the next one
    does not fit to; and none of them is larger than half of all: so merging at least doubles the
    segment that a byte is in, and each byte is rewritten only a few times however many segments
    there will be.
    """
    enough = 2 if finally_ else plan.fan_in
    found: list[list[SegmentName]] = []
    run: list[SegmentName] = []
    for name in names:
        if run and (run[-1].last + 1 < name.first or not _fit([*run, name], plan)):
            found.append(run)  # nothing can join it any more
            run = []
        run.append(name)
        if not finally_ and len(run) >= enough and not _pays(run):
            run.pop(0)  # grown enough already; what follows it may still be merged
        elif not finally_ and len(run) >= enough:
            found.append(run)
            run = []
    if len(run) >= enough:
        found.append(run)
    return [run for run in found if len(run) > 1 and (finally_ or _pays(run))]


def _fit(run: Sequence[SegmentName], plan: SealingPlan) -> bool:
    size, chunks = sum(name.size for name in run), run[-1].last + 1 - run[0].first
    return size <= plan.segment_bytes and chunks <= plan.segment_chunks


def _pays(run: Sequence[SegmentName]) -> bool:
    sizes = [name.size for name in run]
    return max(sizes) * 2 <= sum(sizes)
