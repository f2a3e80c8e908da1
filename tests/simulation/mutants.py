"""Planted faults: each is one plausible mistake, which the simulation must notice."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from runstreams.core import (
    appending,
    commit,
    fencing,
    forking,
    holding,
    leasing,
    reading,
    retention,
    sealing,
    segment,
    superseding,
    waiting,
)
from runstreams.core.appending import Appender
from runstreams.core.commit import begun
from runstreams.core.deleting import Deleter
from runstreams.core.entry_writer import EntryWriter
from runstreams.core.errors import Busy, ObjectMissing, Uncertain
from runstreams.core.following import End, Follower
from runstreams.core.forking import Forker
from runstreams.core.limits import Limits
from runstreams.core.log import Log
from runstreams.core.merging import Merger
from runstreams.core.model import (
    Amendment,
    Batch,
    Closed,
    ForkRef,
    Head,
    Lease,
    Pointer,
    Run,
    SegmentName,
    Sent,
    Span,
    Strand,
    StreamId,
)
from runstreams.core.ports import Committed, NotCommitted, Opened, Renewed, Staged, Terms
from runstreams.core.position import Position
from runstreams.core.reading import Cursor, Lookup
from runstreams.core.sealing import Sealer
from runstreams.core.segment import SegmentIndex
from runstreams.stores import memory
from runstreams.stores.memory import MemoryHeads, MemoryRuns
from tests.simulation.world import Kind

Mutant = Callable[[], AbstractContextManager[Any]]

MUTANTS: dict[str, Mutant] = {}
"""Faults that a few seeds show."""

RARE: dict[str, Mutant] = {}
"""Faults that need many seeds, since several unlikely things must come together."""


KINDS: dict[str, Kind] = {
    "sealing_forgets_to_look_at_the_generation": "deleting",
    "a_stream_opened_again_keeps_its_generation": "deleting",
    "deleting_leaves_the_head": "deleting",
    "chunks_expire_a_second_late": "expiring",
    "a_stream_expires_though_its_newest_chunk_has_not": "expiring",
    "sealing_drops_what_has_not_expired_yet": "expiring",
    "a_forgotten_stream_wakes_its_readers": "expiring",
    "a_stream_that_is_deleted_under_a_page_is_an_error": "deleting",
    "a_live_reader_keeps_its_index_in_a_stream_begun_anew": "deleting",
    "a_runs_record_is_never_extended": "expiring",
    "a_committed_batch_is_deleted_when_its_answer_was_lost": "expiring",
    "a_refused_batch_is_left_behind": "lasting",
    "losing_does_not_look_whether_the_stream_is_closed": "expiring",
    "a_deletion_does_not_look_for_forks": "deleting",
    "a_deletion_does_not_look_for_forks_of_forks": "deleting",
    "nobody_goes_on_with_a_deletion": "deleting",
    "a_deleted_stream_is_forked": "deleting",
}
"""Worlds in which alone a fault can show, or shows soonest."""


def mutant(make: Mutant) -> Mutant:
    MUTANTS[make.__name__] = make
    return make


def rare(make: Mutant) -> Mutant:
    RARE[make.__name__] = make
    return make


# Sealing and merging


@mutant
def batches_are_deleted_before_the_seal() -> AbstractContextManager[Any]:
    original = Sealer._write

    async def write(self: Sealer, stream: StreamId, head: Head, kept: Sequence[Pointer]) -> None:
        await original(self, stream, head, kept)
        await self._store.batches.delete(stream, [pointer.object for pointer in kept])

    return patch.object(Sealer, "_write", write)


@mutant
def the_seal_is_committed_before_its_segment_is_written() -> AbstractContextManager[Any]:
    async def seal(self: Sealer, stream: StreamId, head: Head, chosen: Sequence[Pointer]) -> bool:
        if not await self._store.heads.seal(stream, head, chosen[-1], len(chosen)):
            return False
        await self._write(stream, head, chosen)
        return True

    return patch.object(Sealer, "_seal", seal)


@mutant
def sealing_has_no_condition() -> AbstractContextManager[Any]:
    return patch.object(memory, "_is_as_seen", lambda head, seen: True)


@mutant
def sealing_forgets_to_look_at_the_generation() -> AbstractContextManager[Any]:
    def is_as_seen(head: Head, seen: Head) -> bool:
        return head.sealed == seen.sealed

    return patch.object(memory, "_is_as_seen", is_as_seen)


@mutant
def a_losing_sealer_deletes_the_batches() -> AbstractContextManager[Any]:
    async def seal(self: Sealer, stream: StreamId, head: Head, chosen: Sequence[Pointer]) -> bool:
        await self._write(stream, head, chosen)
        done = await self._store.heads.seal(stream, head, chosen[-1], len(chosen))
        await self._store.batches.delete(stream, [pointer.object for pointer in chosen])
        return done

    return patch.object(Sealer, "_seal", seal)


@mutant
def sealing_ignores_what_a_pointer_skips() -> AbstractContextManager[Any]:
    original = Sealer._write

    async def write(self: Sealer, stream: StreamId, head: Head, kept: Sequence[Pointer]) -> None:
        await original(self, stream, head, [replace(pointer, skip=0) for pointer in kept])

    return patch.object(Sealer, "_write", write)


@mutant
def merging_deletes_the_small_segments_first() -> AbstractContextManager[Any]:
    async def merge(self: Merger, stream: StreamId, group: Sequence[SegmentName]) -> None:
        bodies = [await self._store.segments.get(stream, name, 0, name.size) for name in group]
        await self._store.segments.delete(stream, group)
        for name, body in zip(group, bodies, strict=True):
            await self._store.segments.put(stream, name._replace(size=0), body)

    return patch.object(Merger, "_merge", merge)


@rare
def merging_repeats_what_two_segments_both_hold() -> AbstractContextManager[Any]:
    def merged(segments: Sequence[tuple[SegmentIndex, bytes]]) -> bytes:
        parts = []
        for index, body in segments:
            batches = zip(*index.batches(index.first), strict=True)
            lines = body[: index.position(index.end)].splitlines(keepends=True)
            for batch in map(segment.SealedBatch._make, batches):
                parts.append((batch, b"".join(lines[: batch.count])))
                del lines[: batch.count]
        return segment.build(segments[0][0].first, parts)

    return patch("runstreams.core.merging.merged", merged)


@mutant
def a_segment_is_thought_covered_when_only_its_beginning_is() -> AbstractContextManager[Any]:
    async def without_covered(
        self: Merger, stream: StreamId, names: Sequence[SegmentName]
    ) -> list[SegmentName]:
        kept: list[SegmentName] = []
        covered: list[SegmentName] = []
        for name in sorted(names, key=lambda name: (name.first, -name.last)):
            (covered if kept and name.first <= kept[-1].last else kept).append(name)
        if covered:
            await self._store.segments.delete(stream, covered)
        return kept

    return patch.object(Merger, "_without_covered", without_covered)


# Appending


@mutant
def a_resend_is_not_recognised() -> AbstractContextManager[Any]:
    original = commit.judge

    def judge(head: Head | None, batch: Batch, *rest: Any) -> Any:
        if head is not None and batch.client is not None and batch.client in head.clients:
            sent = head.clients[batch.client]
            batch = replace(batch, number=sent.number + 1)
        verdict = original(head, batch, *rest)
        return verdict

    return patch.object(appending, "judge", judge)


@mutant
def an_overlap_is_appended_whole() -> AbstractContextManager[Any]:
    original = commit.judge

    def judge(*args: Any) -> Any:
        verdict = original(*args)
        return replace(verdict, skip=0) if isinstance(verdict, commit.Retry) else verdict

    return patch.object(appending, "judge", judge)


@mutant
def a_committed_batch_is_deleted_when_its_answer_was_lost() -> AbstractContextManager[Any]:
    original = Appender._look_for

    async def commit_(self: Appender, stream: StreamId, staged: Staged, attempt: Any) -> Any:
        try:
            done = await self._store.heads.commit(
                stream, staged, attempt.terms, attempt.skip, self._limits
            )
        except Uncertain as lost:
            if staged.batch.client is None and staged.batch.once is None:
                return await original(self, stream, staged, attempt.skip, lost), False
            return NotCommitted(await self._store.heads.get(stream)), True
        return done, True

    return patch.object(Appender, "_commit", commit_)


@mutant
def an_uncertain_append_is_called_busy() -> AbstractContextManager[Any]:
    async def look_for(
        self: Appender, stream: StreamId, staged: Staged, skip: int, lost: Uncertain
    ) -> Committed | NotCommitted:
        head = await self._store.heads.get(stream)
        for pointer in head.pending if head else ():
            if head and pointer.object == staged.object:
                return Committed(pointer.first, head)
        if staged.batch.client is None and staged.batch.once is None:
            raise Busy("not there, so nothing happened")
        return NotCommitted(head)

    return patch.object(Appender, "_look_for", look_for)


@mutant
def an_anonymous_append_is_retried_after_a_lost_answer() -> AbstractContextManager[Any]:
    async def look_for(
        self: Appender, stream: StreamId, staged: Staged, skip: int, lost: Uncertain
    ) -> Committed | NotCommitted:
        return NotCommitted(await self._store.heads.get(stream))

    return patch.object(Appender, "_look_for", look_for)


@mutant
def a_client_found_outside_the_head_is_taken_for_a_new_one() -> AbstractContextManager[Any]:
    async def first_try(self: Appender, stream: StreamId, batch: Batch) -> Any:
        now, hint = self._clock(), self._hints.get(stream)
        if batch.client is None or batch.number or hint is None:
            previous = batch.number - 1 if batch.number else None
            return appending._Try(Terms(now, previous))
        return appending._Try(Terms(now, None, hint[1], hint[0]))

    return patch.object(Appender, "_first_try", first_try)


@mutant
def a_commit_does_not_look_at_the_spills() -> AbstractContextManager[Any]:
    original = commit.fits

    def fits(head: Head | None, batch: Batch, terms: Terms, *rest: Any) -> bool:
        spills = head.spills if head else 0
        return original(head, batch, replace(terms, spills=spills), *rest)

    return patch.object(memory, "fits", fits)


@mutant
def a_commit_does_not_look_at_the_one_shot_appends() -> AbstractContextManager[Any]:
    original = commit.fits

    def fits(head: Head | None, batch: Batch, *rest: Any) -> bool:
        return original(head, replace(batch, once=None), *rest)

    return patch.object(memory, "fits", fits)


@mutant
def a_commit_is_not_atomic() -> AbstractContextManager[Any]:
    async def commit_(
        self: MemoryHeads,
        stream: StreamId,
        staged: Staged,
        terms: Terms,
        skip: int,
        limits: Limits,
    ) -> Committed | NotCommitted:
        head, batch = self._find(stream), staged.batch.rest(skip)
        if head is None or not commit.fits(head, batch, terms, limits, self._plan):
            return NotCommitted(head)
        await asyncio.sleep(0)
        applied = commit.applied(head, staged, terms, skip, batch, limits)
        return Committed(head.tail, self._keep(stream, applied))

    return patch.object(MemoryHeads, "commit", commit_)


@mutant
def times_are_the_writers_own() -> AbstractContextManager[Any]:
    original = commit.applied

    def applied(
        head: Head, staged: Staged, terms: Terms, skip: int, batch: Batch, limits: Limits
    ) -> Head:
        after = original(head, staged, terms, skip, batch, limits)
        newest = replace(after.pending[-1], time=batch.time)
        return replace(after, pending=(*after.pending[:-1], newest))

    return patch.object(memory, "applied", applied)


# Entries


@mutant
def a_commit_does_not_look_at_the_book() -> AbstractContextManager[Any]:
    def may_amend(head: Head, amendment: Amendment) -> bool:
        return head.generation == amendment.generation

    return patch.object(commit, "may_amend", may_amend)


@mutant
def a_commit_writes_nothing_into_the_book() -> AbstractContextManager[Any]:
    def amended(head: Head, amendment: Amendment) -> Head:
        return replace(head, expires=amendment.expires)

    return patch.object(commit, "amended", amended)


@mutant
def an_entry_whose_answer_was_lost_leaves_its_batch_to_nobody() -> AbstractContextManager[Any]:
    async def committed(self: EntryWriter, stream: StreamId, staged: Staged) -> None:
        await self._discard(stream, staged)

    return patch.object(EntryWriter, "_committed", committed)


# Batches in their pointers


@mutant
def what_an_overlap_skips_lies_in_the_pointer() -> AbstractContextManager[Any]:
    original = commit.pointer_to

    def pointer_to(staged: Staged, skip: int, batch: Batch, *rest: Any) -> Pointer:
        pointer = original(staged, skip, batch, *rest)
        if pointer.batch is None:
            return pointer
        return replace(pointer, batch=commit.stored(staged.batch))

    return patch.object(commit, "pointer_to", pointer_to)


@mutant
def a_batch_lies_in_a_head_of_which_not_everybody_knows_that_it_may() -> AbstractContextManager[
    Any
]:
    original = MemoryHeads.may_inline

    def may_inline(self: MemoryHeads, stream: StreamId, batch: Batch, limits: Limits) -> bool:
        head = self._find(stream)
        known = head is None or head.inlined is not None
        return original(self, stream, batch, limits) if known else bool(limits.inline_bytes)

    def takes(head: Head, *rest: Any) -> bool:
        return commit.takes(replace(head, inlined=head.inlined or 0), *rest)

    return _patched((MemoryHeads, "may_inline", may_inline), (memory, "takes", takes))


@mutant
def a_head_takes_batches_without_end() -> AbstractContextManager[Any]:
    return _patched((memory, "takes", _may_hold), (memory, "is_light", _may_hold))


def _may_hold(head: Head, *rest: Any) -> bool:
    return head.inlined is not None


@mutant
def sealing_does_not_look_at_the_sealed_index() -> AbstractContextManager[Any]:
    def is_as_seen(head: Head, seen: Head) -> bool:
        return head.generation == seen.generation

    return patch.object(memory, "_is_as_seen", is_as_seen)


@mutant
def what_is_sealed_still_counts_as_lying_in_the_head() -> AbstractContextManager[Any]:
    return patch.object(memory, "_less", lambda inlined, gone: inlined)


@mutant
def a_short_name_is_enough_to_know_a_batch() -> AbstractContextManager[Any]:
    def leads_to(pointer: Pointer, staged: Staged, skip: int) -> bool:
        return pointer.object == staged.object

    return patch.object(appending, "leads_to", leads_to)


@mutant
def objects_come_before_what_lies_in_the_pointers() -> AbstractContextManager[Any]:
    async def fetched(batches: Any, stream: StreamId, pointers: Sequence[Pointer]) -> Any:
        objects = [pointer for pointer in pointers if pointer.batch is None]
        there = [pointer.batch for pointer in pointers if pointer.batch is not None]
        return [*(await batches.get(stream, objects)), *there]

    return _patched((reading, "fetched", fetched), (sealing, "fetched", fetched))


@mutant
def a_head_of_which_a_part_was_seen_is_sealed_as_if_it_were_the_whole() -> AbstractContextManager[
    Any
]:
    original = Appender.append

    async def append(self: Appender, stream: StreamId, batch: Batch) -> Any:
        answer, done = await original(self, stream, batch)
        return answer, done._replace(whole=True) if done else None

    return patch.object(Appender, "append", append)


# Taking over


@mutant
def a_commit_does_not_look_at_the_fence() -> AbstractContextManager[Any]:
    return patch.object(commit, "may_pass", lambda head, fence: True)


@mutant
def a_close_does_not_look_at_the_fence() -> AbstractContextManager[Any]:
    return patch.object(memory, "may_pass", lambda head, fence: True)


@mutant
def a_commit_takes_the_fence_away() -> AbstractContextManager[Any]:
    original = commit.applied

    def applied(*args: Any) -> Head:
        return replace(original(*args), fence=None)

    return patch.object(memory, "applied", applied)


@mutant
def a_resend_is_told_of_a_fence_that_is_newer_than_what_it_sent() -> AbstractContextManager[Any]:
    def latest(head: Head, index: int) -> int:
        return fencing.fence_number(head)

    return _patched((commit, "fence_at", latest), (appending, "fence_at", latest))


# Superseding


@mutant
def a_resend_supersedes_once_more() -> AbstractContextManager[Any]:
    original = Batch.rest

    def rest(self: Batch, skip: int) -> Batch:
        return replace(original(self, skip), supersedes=self.supersedes)

    return patch.object(Batch, "rest", rest)


@mutant
def superseding_counts_what_was_superseded_before() -> AbstractContextManager[Any]:
    def made_way(spans: Sequence[Span], start: int) -> tuple[list[Span], int]:
        return [], start

    return patch.object(superseding, "made_way", made_way)


@mutant
def a_fork_counts_what_was_superseded() -> AbstractContextManager[Any]:
    return patch.object(forking, "superseded_before", lambda head, end: ())


# Clients outside the head


@rare
def clients_that_have_moved_on_are_forgotten_all_the_same() -> AbstractContextManager[Any]:
    original = MemoryHeads.forget

    async def forget(
        self: MemoryHeads,
        stream: StreamId,
        seen: Head,
        clients: Mapping[str, Sent],
        once: Sequence[str],
    ) -> bool:
        head = self._find(stream)
        there = head.clients if head else {}
        now = {client: there[client] for client in clients if client in there}
        return await original(self, stream, seen, now, once)

    return patch.object(MemoryHeads, "forget", forget)


@mutant
def clients_are_forgotten_before_they_are_copied() -> AbstractContextManager[Any]:
    async def spill(self: MemoryHeads, stream: StreamId, generation: str, *rest: Any) -> None:
        return None

    return patch.object(MemoryHeads, "spill", spill)


@rare
def a_slow_sealer_lowers_a_clients_number() -> AbstractContextManager[Any]:
    async def spill(
        self: MemoryHeads,
        stream: StreamId,
        generation: str,
        clients: Mapping[str, Sent],
        expires: int,
    ) -> None:
        self.outside.setdefault((stream, generation), {}).update(clients)

    return patch.object(MemoryHeads, "spill", spill)


@mutant
def moving_clients_out_does_not_raise_spills() -> AbstractContextManager[Any]:
    original = MemoryHeads.forget

    async def forget(self: MemoryHeads, stream: StreamId, *rest: Any) -> bool:
        before = self._find(stream)
        done = await original(self, stream, *rest)
        head = self._find(stream)
        if done and head and before and before.spills:
            self._keep(stream, replace(head, spills=before.spills))
        return done

    return patch.object(MemoryHeads, "forget", forget)


@mutant
def head_requests_do_not_look_outside_the_head() -> AbstractContextManager[Any]:
    async def last_number(self: Log, stream: StreamId, client: str) -> int:
        head = await self.head(stream)
        sent = head.clients.get(client) if head else None
        return sent.number if sent else -1

    return patch.object(Log, "last_number", last_number)


@mutant
def nobody_moves_out_of_the_head() -> AbstractContextManager[Any]:
    async def move(self: Sealer, stream: StreamId, head: Head) -> None:
        return None

    return patch.object(Sealer, "_move_clients_out", move)


# Opening, closing, completing, deleting, expiring


@mutant
def opening_does_not_look_at_the_run() -> AbstractContextManager[Any]:
    return patch.object(memory, "opened", lambda there, run, limits: there or run)


@mutant
def opening_replaces_a_stream_that_is_there() -> AbstractContextManager[Any]:
    async def open_(
        self: MemoryHeads, stream: StreamId, head: Head, run: Run, limits: Limits, first: Any = None
    ) -> Opened:
        return Opened(True, self._keep(stream, begun(head, first, limits) if first else head))

    return patch.object(MemoryHeads, "open", open_)


@mutant
def an_opening_whose_answer_was_lost_is_repeated() -> AbstractContextManager[Any]:
    original = Appender.open

    async def open_(self: Appender, stream: StreamId, first: Staged | None = None) -> Opened:
        try:
            return await original(self, stream, first)
        except Uncertain:
            return await original(self, stream, first)

    return patch.object(Appender, "open", open_)


@mutant
def the_first_batch_of_a_stream_that_is_there_is_taken_for_committed() -> AbstractContextManager[
    Any
]:
    original = Appender.open

    async def open_(self: Appender, stream: StreamId, first: Staged | None = None) -> Opened:
        return (await original(self, stream, first))._replace(done=True)

    return patch.object(Appender, "open", open_)


@mutant
def a_stream_opened_again_keeps_its_generation() -> AbstractContextManager[Any]:
    original = MemoryHeads.open

    async def open_(self: MemoryHeads, stream: StreamId, head: Head, *rest: Any) -> Opened:
        return await original(self, stream, replace(head, generation="0"), *rest)

    return patch.object(MemoryHeads, "open", open_)


@mutant
def a_closed_stream_takes_chunks() -> AbstractContextManager[Any]:
    original = commit.fits

    def fits(head: Head | None, *rest: Any) -> bool:
        return original(replace(head, closed=None) if head else None, *rest)

    return patch.object(memory, "fits", fits)


@mutant
def completing_a_run_leaves_its_streams_open() -> AbstractContextManager[Any]:
    async def close(self: Log, stream: StreamId, closed: Closed) -> None:
        return None

    return patch.object(Log, "_close_by_run", close)


@mutant
def deleting_leaves_the_head() -> AbstractContextManager[Any]:
    async def delete(self: MemoryHeads, stream: StreamId, seen: Head | None = None) -> Head | None:
        return self._find(stream)

    return patch.object(MemoryHeads, "delete", delete)


@mutant
def chunks_expire_a_second_late() -> AbstractContextManager[Any]:
    def cutoff(now: int, limits: Limits) -> int:
        return now - limits.retention_ms - 1000

    return patch.object(reading, "cutoff", cutoff)


@mutant
def a_stream_expires_though_its_newest_chunk_has_not() -> AbstractContextManager[Any]:
    original = retention.is_expired

    def is_expired(head: Head, now: int, limits: Limits) -> bool:
        return original(head, now + limits.retention_ms // 3, limits)

    return patch.object(reading, "is_expired", is_expired)


@mutant
def sealing_drops_what_has_not_expired_yet() -> AbstractContextManager[Any]:
    return patch.object(sealing, "cutoff", lambda now, limits: now - limits.retention_ms // 2)


@rare
def a_runs_record_is_never_extended() -> AbstractContextManager[Any]:
    async def extend(self: MemoryRuns, run: str, expires: int) -> None:
        return None

    return patch.object(MemoryRuns, "extend", extend)


@mutant
def the_limit_counts_only_what_was_there() -> AbstractContextManager[Any]:
    def too_full(head: Head, size: int, limits: Limits) -> bool:
        return 0 < limits.stream_bytes <= head.size

    return patch.object(commit, "_too_full", too_full)


@mutant
def a_refused_batch_is_left_behind() -> AbstractContextManager[Any]:
    async def discard(self: Appender, stream: StreamId, staged: Staged) -> None:
        return None

    return patch.object(Appender, "_discard", discard)


# Leases


@mutant
def a_commit_takes_from_a_lease() -> AbstractContextManager[Any]:
    return patch.object(commit, "may_follow", lambda seen, lease: True)


@mutant
def a_renewal_takes_from_a_lease() -> AbstractContextManager[Any]:
    return patch.object(memory, "may_follow", lambda seen, lease: True)


@mutant
def a_stream_that_has_ended_is_leased() -> AbstractContextManager[Any]:
    original = MemoryHeads.renew

    async def renew(self: MemoryHeads, stream: StreamId, lease: Lease, now: int) -> Any:
        head = self._find(stream)
        if head is None or head.closed is None:
            return await original(self, stream, lease, now)
        return Renewed(True, self._keep(stream, replace(head, lease=lease)))

    return patch.object(MemoryHeads, "renew", renew)


@mutant
def a_shorter_promise_counts_for_all() -> AbstractContextManager[Any]:
    def renewed(seen: Lease | None, claim: Lease) -> Lease:
        return claim if seen is None else replace(claim, until=max(seen.until, claim.until))

    def may_follow(seen: Lease | None, lease: Lease) -> bool:
        return seen is None or seen.until <= lease.until

    return _patched((holding, "renewed", renewed), (memory, "may_follow", may_follow))


@mutant
def an_append_whose_lease_came_late_is_tried_again_as_it_was() -> AbstractContextManager[Any]:
    return patch.object(commit, "renewed", lambda seen, claim: claim)


@mutant
def a_release_does_not_look_whose_the_lease_is() -> AbstractContextManager[Any]:
    async def release(self: MemoryHeads, stream: StreamId, holder: str) -> Head | None:
        head = self._find(stream)
        return self._keep(stream, replace(head, lease=None)) if head else None

    return patch.object(MemoryHeads, "release", release)


@mutant
def losing_does_not_look_at_the_lease() -> AbstractContextManager[Any]:
    def is_silent_since(head: Head, seen: Head) -> bool:
        return (head.generation, head.tail) == (seen.generation, seen.tail)

    return patch.object(memory, "_is_silent_since", is_silent_since)


@mutant
def losing_does_not_look_at_the_tail() -> AbstractContextManager[Any]:
    def is_silent_since(head: Head, seen: Head) -> bool:
        return (head.generation, head.lease) == (seen.generation, seen.lease)

    return patch.object(memory, "_is_silent_since", is_silent_since)


@mutant
def losing_looks_at_the_generation_alone() -> AbstractContextManager[Any]:
    def is_silent_since(head: Head, seen: Head) -> bool:
        return head.generation == seen.generation

    return patch.object(memory, "_is_silent_since", is_silent_since)


@rare
def losing_does_not_look_whether_the_stream_is_closed() -> AbstractContextManager[Any]:
    async def lose(
        self: MemoryHeads, stream: StreamId, seen: Head, closed: Closed, expires: int
    ) -> bool:
        head = self._find(stream)
        if head is None or not memory._is_silent_since(head, seen):
            return False
        self._keep(stream, replace(head, closed=closed, expires=expires))
        return True

    return patch.object(MemoryHeads, "lose", lose)


@mutant
def an_append_is_no_sign_of_life() -> AbstractContextManager[Any]:
    def leased_until(head: Head) -> int | None:
        return head.lease.until if head.lease and head.closed is None else None

    return patch.object(leasing, "leased_until", leased_until)


@mutant
def clocks_are_believed_to_agree() -> AbstractContextManager[Any]:
    return patch.object(leasing, "LEASE_GRACE_MS", 0)


@mutant
def nobody_notices_that_a_producer_was_lost() -> AbstractContextManager[Any]:
    return patch.object(Lookup, "head", Lookup.look)


@mutant
def waiting_readers_do_not_notice_that_a_producer_was_lost() -> AbstractContextManager[Any]:
    original = waiting.Watches.__init__

    def init(self: Any, reader: Any, clock: Any) -> None:
        original(self, reader, clock)
        self._look = reader.look

    return patch.object(waiting.Watches, "__init__", init)


@contextmanager
def _patched(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(patch.object(*change))
        yield


# Reading and waiting


@mutant
def a_page_takes_the_pointers_it_is_given() -> AbstractContextManager[Any]:
    return patch.object(reading, "_check_pointers", lambda head, start: None)


@mutant
def an_unlisted_segment_is_taken_to_begin_where_its_reader_is() -> AbstractContextManager[Any]:
    original = Cursor._unlisted

    async def unlisted(self: Cursor, head: Head, start: int) -> Any:
        window = await original(self, head, start)
        return window and replace(window, start=start)

    return patch.object(Cursor, "_unlisted", unlisted)


@mutant
def a_page_gives_up_when_its_objects_are_sealed_away() -> AbstractContextManager[Any]:
    return patch.object(reading, "TRIES", 1)


@mutant
def an_old_listing_is_used_for_ever() -> AbstractContextManager[Any]:
    return patch.object(Cursor, "_forget", lambda self: None)


@mutant
def readers_are_not_told_of_the_end() -> AbstractContextManager[Any]:
    def is_news(seen: Head | None, head: Head | None, index: int) -> bool:
        return head is not None and head.tail > index

    return patch.object(waiting, "_is_news", is_news)


@mutant
def a_forgotten_stream_wakes_its_readers() -> AbstractContextManager[Any]:
    original = waiting.Watches.__init__

    def init(self: Any, reader: Any, clock: Any) -> None:
        original(self, reader, clock)
        self._look = reader.store.heads.get

    return patch.object(waiting.Watches, "__init__", init)


@mutant
def a_stream_that_is_deleted_under_a_page_is_an_error() -> AbstractContextManager[Any]:
    def gone(head: Head | None) -> ObjectMissing:
        return ObjectMissing("the stream is gone")

    return patch.object(reading, "StreamGone", gone)


@mutant
def a_live_reader_keeps_its_index_in_a_stream_begun_anew() -> AbstractContextManager[Any]:
    return patch.object(Position, "meet", lambda self, generation: False)


@mutant
def a_live_reader_ends_as_soon_as_its_stream_is_closed() -> AbstractContextManager[Any]:
    original = Follower._find_end

    def find_end(self: Follower) -> End | None:
        closed = self._head is not None and self._head.closed is not None
        return End.CLOSED if closed else original(self)

    return patch.object(Follower, "_find_end", find_end)


@mutant
def a_live_reader_counts_its_silence_without_looking() -> AbstractContextManager[Any]:
    async def beyond(
        self: waiting.Watches, stream: StreamId, seen: Head | None, index: int, seconds: float
    ) -> Head | None:
        await asyncio.sleep(seconds)
        return seen

    return patch.object(waiting.Watches, "beyond", beyond)


@rare
def a_late_answer_about_the_stream_before_is_believed() -> AbstractContextManager[Any]:
    original = waiting.Watches._look_now

    async def look_now(
        self: waiting.Watches, stream: StreamId, seen: Head | None, index: int, watch: Any
    ) -> Head | None:
        if seen and watch.head and watch.head.generation != seen.generation:
            return watch.head  # type: ignore[no-any-return]
        return await original(self, stream, seen, index, watch)

    return patch.object(waiting.Watches, "_look_now", look_now)


# Forks


@mutant
def a_deletion_does_not_look_for_forks() -> AbstractContextManager[Any]:
    async def is_needed(self: Deleter, stream: StreamId, generation: str) -> bool:
        return False

    return patch.object(Deleter, "_is_needed", is_needed)


@mutant
def a_deletion_does_not_look_for_forks_of_forks() -> AbstractContextManager[Any]:
    async def lives(self: Deleter, fork: ForkRef) -> bool:
        head = await self._store.heads.get(fork.stream)
        return head is not None and head.generation == fork.generation and not head.is_buried

    return patch.object(Deleter, "_lives", lives)


@mutant
def a_fork_has_chunks_that_are_not_sealed() -> AbstractContextManager[Any]:
    async def sealed(self: Forker, stream: StreamId, seen: Head, upto: int) -> Head:
        return seen

    return patch.object(Forker, "_sealed", sealed)


@mutant
def a_reader_goes_on_in_the_source_beyond_where_its_fork_parted() -> AbstractContextManager[Any]:
    original = reading.strand_of

    def strand_of(stream: StreamId, head: Head, index: int) -> Strand:
        return original(stream, head, index)._replace(end=2**63)

    return patch.object(reading, "strand_of", strand_of)


@mutant
def nobody_goes_on_with_a_deletion() -> AbstractContextManager[Any]:
    async def let_all_go(self: Deleter, gone: Head | None) -> None:
        return None

    return patch.object(Deleter, "_let_all_go", let_all_go)


@rare
def a_deleted_stream_is_forked() -> AbstractContextManager[Any]:
    return patch.object(memory, "may_fork", lambda source, fork: True)
