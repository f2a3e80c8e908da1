"""The contract notices a store, or a core, that breaks it: each test fails on a planted fault."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from runstreams.core import commit, leasing, reading
from runstreams.core import runs as core_runs
from runstreams.core.errors import RunstreamsError
from runstreams.core.limits import Limits
from runstreams.core.model import Closed, Head, Run, StreamId
from runstreams.core.ports import Opened
from runstreams.core.runs import RunBook
from runstreams.stores import memory
from runstreams.stores.memory import (
    MemoryBatches,
    MemoryHeads,
    MemoryRuns,
    MemorySegments,
    MemoryStore,
)
from tests.simulation import mutants
from tests.stores import test_contract as promises
from tests.stores import test_contract_epochs as epochs
from tests.stores import test_contract_leases as leases
from tests.stores import test_contract_ports as ports
from tests.stores import test_contract_runs as runs
from tests.stores.conftest import Kept, new_id

NOTICED = (AssertionError, RunstreamsError, pytest.fail.Exception)

Fault = Callable[[], AbstractContextManager[Any]]


def names_begin_one_too_late() -> AbstractContextManager[Any]:
    original = MemorySegments.names

    async def names(self: MemorySegments, stream: StreamId, generation: str, index: int) -> Any:
        return await original(self, stream, generation, index + 1)

    return patch.object(MemorySegments, "names", names)


def a_listing_repeats_the_last_key() -> AbstractContextManager[Any]:
    original = MemoryHeads.streams

    async def streams(
        self: MemoryHeads, run: str, limit: int, after: str | None, *, bare: bool = False
    ) -> Any:
        again = [each for each in await original(self, run, 999, None) if each[0] == after]
        return (again + await original(self, run, limit, after))[:limit]

    return patch.object(MemoryHeads, "streams", streams)


def the_last_close_wins() -> AbstractContextManager[Any]:
    original = MemoryHeads.close

    async def close(
        self: MemoryHeads, stream: StreamId, closed: Closed, *rest: int, by_run: bool = False
    ) -> Any:
        head = self._find(stream)
        if head is not None:
            self._keep(stream, replace(head, closed=None))
        return await original(self, stream, closed, *rest, by_run=by_run)

    return patch.object(MemoryHeads, "close", close)


def losing_does_not_look_at_the_generation() -> AbstractContextManager[Any]:
    """No course of the simulation shows it: another stream would have to come as far, and its lease
    to reach as far to the millisecond.
    """

    def is_silent_since(head: Head, seen: Head) -> bool:
        return head.tail == seen.tail and head.lease == seen.lease

    return patch.object(memory, "_is_silent_since", is_silent_since)


def a_close_by_hand_looks_for_the_lost() -> AbstractContextManager[Any]:
    original = reading.Lookup.look

    async def look(self: Any, stream: StreamId, **how: Any) -> Head | None:
        head = await original(self, stream, **how)
        if head is not None and leasing.is_lost(head, self.clock()):
            return await self.close_lost(stream, head)
        return head

    return patch.object(reading.Lookup, "look", look)


def a_removed_batch_stays() -> AbstractContextManager[Any]:
    async def delete(self: MemoryBatches, *rest: Any) -> None:
        return None

    return patch.object(MemoryBatches, "delete", delete)


def chunks_are_kept_a_millisecond_longer() -> AbstractContextManager[Any]:
    return patch.object(reading, "cutoff", lambda now, limits: now - limits.retention_ms - 1)


def chunks_go_a_millisecond_early() -> AbstractContextManager[Any]:
    return patch.object(reading, "cutoff", lambda now, limits: now - limits.retention_ms + 1)


def a_run_is_extended_never() -> AbstractContextManager[Any]:
    async def extend(self: MemoryRuns, run: str, expires: int) -> None:
        return None

    return patch.object(MemoryRuns, "extend", extend)


def a_run_is_completed_again() -> AbstractContextManager[Any]:
    async def complete(self: MemoryRuns, run: Any) -> Any:
        self.items[run.id] = run
        return run

    return patch.object(MemoryRuns, "complete", complete)


def the_limit_is_one_byte_off() -> AbstractContextManager[Any]:
    def too_full(head: Head, size: int, limits: Limits) -> bool:
        return limits.stream_bytes > 0 and head.size + size > limits.stream_bytes + 1

    return patch.object(commit, "_too_full", too_full)


def closed_comes_before_sent_before() -> AbstractContextManager[Any]:
    original = commit._already_written

    def already_written(batch: Any, sent: Any, head: Head) -> Any:
        commit.check_open(head)
        return original(batch, sent, head)

    return patch.object(commit, "_already_written", already_written)


def a_gap_is_let_through() -> AbstractContextManager[Any]:
    return patch.object(commit, "_check_number", lambda batch, sent: None)


def an_expired_stream_is_never_opened_anew() -> AbstractContextManager[Any]:
    original = MemoryHeads.open

    async def open_(self: MemoryHeads, stream: StreamId, head: Head, *rest: Any) -> Opened:
        there = self._find(stream)
        return Opened(False, there) if there else await original(self, stream, head, *rest)

    return patch.object(MemoryHeads, "open", open_)


def streams_are_counted_when_they_are_there() -> AbstractContextManager[Any]:
    def opened(there: Run | None, run: Run, limits: Limits) -> Run:
        return core_runs.opened(there, run, replace(limits, run_streams=limits.run_streams or 2))

    return patch.object(memory, "opened", opened)


def a_run_opens_one_stream_too_many() -> AbstractContextManager[Any]:
    def opened(there: Run | None, run: Run, limits: Limits) -> Run:
        return core_runs.opened(there, run, replace(limits, run_streams=limits.run_streams + 1))

    return patch.object(memory, "opened", opened)


def streams_are_counted_for_ever() -> AbstractContextManager[Any]:
    def opened(there: Run | None, run: Run, limits: Limits) -> Run:
        return core_runs.opened(there, run, replace(limits, retention_ms=2 * limits.retention_ms))

    return patch.object(memory, "opened", opened)


def registering_forgets_the_count() -> AbstractContextManager[Any]:
    def registered(there: Run | None, run: Run) -> Run:
        return replace(core_runs.registered(there, run), streams=0, counted=0)

    return patch.object(memory, "registered", registered)


def what_was_left_behind_is_gone_on_with() -> AbstractContextManager[Any]:
    return patch.object(commit, "is_of_epoch", lambda head, epoch: True)


def what_was_left_behind_never_gives_way() -> AbstractContextManager[Any]:
    return patch.object(memory, "is_left_behind", lambda head, epoch: False)


def recent_runs_are_unordered() -> AbstractContextManager[Any]:
    original = MemoryRuns.recent

    async def recent(self: MemoryRuns, limit: int, after: tuple[int, str] | None) -> Any:
        return list(reversed(await original(self, limit, after)))

    return patch.object(MemoryRuns, "recent", recent)


def a_parent_is_forgotten() -> AbstractContextManager[Any]:
    original = RunBook.register

    async def register(self: RunBook, run: str, parent: Any, root: Any) -> Any:
        return await original(self, run, None, root)

    return patch.object(RunBook, "register", register)


CAUGHT: list[tuple[Fault, Callable[..., Awaitable[None]]]] = [
    (
        names_begin_one_too_late,
        ports.test_segments_are_listed_by_their_last_index_from_any_index_on,
    ),
    (a_listing_repeats_the_last_key, ports.test_streams_are_listed_by_key_whatever_page_one_takes),
    (the_last_close_wins, ports.test_whoever_closes_first_has_closed_it),
    (a_removed_batch_stays, ports.test_a_batch_that_was_removed_is_missing),
    (a_run_is_completed_again, ports.test_a_run_is_completed_once),
    (an_expired_stream_is_never_opened_anew, ports.test_a_stream_that_has_expired_is_opened_anew),
    (mutants.a_commit_is_not_atomic, ports.test_commits_at_once_get_neighbouring_indexes),
    (mutants.a_commit_is_not_atomic, ports.test_of_equal_commits_at_once_one_takes_effect),
    (mutants.sealing_has_no_condition, ports.test_of_sealers_that_saw_the_same_one_takes_effect),
    (
        mutants.sealing_forgets_to_look_at_the_generation,
        ports.test_a_stream_opened_anew_is_not_sealed_as_the_one_before,
    ),
    (
        mutants.a_slow_sealer_lowers_a_clients_number,
        ports.test_a_client_outside_the_head_never_goes_back,
    ),
    (
        mutants.clients_that_have_moved_on_are_forgotten_all_the_same,
        ports.test_clients_leave_the_head_only_when_none_of_them_has_moved,
    ),
    (
        mutants.opening_does_not_look_at_the_run,
        ports.test_no_stream_of_a_completed_run_is_opened,
    ),
    (
        mutants.opening_replaces_a_stream_that_is_there,
        ports.test_a_stream_that_is_open_stays_as_it_is,
    ),
    (
        mutants.a_commit_does_not_look_at_the_one_shot_appends,
        ports.test_a_one_shot_append_takes_effect_once,
    ),
    (mutants.deleting_leaves_the_head, ports.test_a_deleted_head_is_given_back_whole),
    (
        chunks_are_kept_a_millisecond_longer,
        promises.test_chunks_vanish_in_order_exactly_when_they_are_due,
    ),
    (chunks_go_a_millisecond_early, promises.test_sealed_chunks_vanish_in_order_as_well),
    (a_run_is_extended_never, promises.test_a_run_outlives_its_streams_and_keeps_its_lineage),
    (a_parent_is_forgotten, promises.test_a_run_outlives_its_streams_and_keeps_its_lineage),
    (the_limit_is_one_byte_off, promises.test_a_stream_takes_its_limit_and_not_a_byte_more),
    (
        closed_comes_before_sent_before,
        promises.test_a_resend_is_acknowledged_whatever_happened_since,
    ),
    (a_gap_is_let_through, promises.test_a_gap_is_refused_and_names_the_number_expected),
    (
        streams_are_counted_when_they_are_there,
        runs.test_at_the_limit_what_is_open_goes_on_as_before,
    ),
    (a_run_opens_one_stream_too_many, runs.test_of_openers_at_the_limit_as_many_get_in_as_may),
    (streams_are_counted_for_ever, runs.test_in_the_next_period_a_run_opens_streams_again),
    (registering_forgets_the_count, runs.test_registering_a_run_does_not_begin_its_count_anew),
    (what_was_left_behind_is_gone_on_with, epochs.test_what_was_left_behind_begins_anew),
    (what_was_left_behind_never_gives_way, epochs.test_what_was_left_behind_begins_anew),
    (recent_runs_are_unordered, runs.test_runs_are_listed_newest_first_page_by_page),
    (
        losing_does_not_look_at_the_generation,
        leases.test_a_stream_begun_anew_is_not_lost_with_the_one_before,
    ),
    (
        mutants.losing_does_not_look_at_the_lease,
        leases.test_a_stream_is_not_lost_when_its_lease_was_released_since,
    ),
    (
        mutants.losing_does_not_look_at_the_tail,
        leases.test_a_stream_is_not_lost_when_it_was_appended_to_since,
    ),
    (
        mutants.losing_does_not_look_whether_the_stream_is_closed,
        leases.test_a_stream_is_not_lost_when_it_was_closed_since,
    ),
    (
        mutants.a_stream_that_has_ended_is_leased,
        leases.test_only_a_stream_that_is_open_and_lives_is_leased,
    ),
    (
        mutants.a_release_does_not_look_whose_the_lease_is,
        leases.test_a_release_takes_back_ones_own_promise_and_nobody_elses,
    ),
    (mutants.an_append_is_no_sign_of_life, leases.test_any_append_renews_the_lease),
    (
        a_close_by_hand_looks_for_the_lost,
        leases.test_whoever_closes_by_hand_before_anybody_has_noticed_says_how,
    ),
    (mutants.an_overlap_is_appended_whole, promises.test_of_an_overlap_only_the_rest_is_added),
    (mutants.times_are_the_writers_own, promises.test_time_never_runs_backwards_along_a_stream),
    (
        mutants.clients_are_forgotten_before_they_are_copied,
        promises.test_many_clients_come_and_go_and_none_is_forgotten,
    ),
    (
        mutants.a_stream_opened_again_keeps_its_generation,
        promises.test_a_name_used_again_starts_at_0_and_never_meets_what_it_held,
    ),
]


@pytest.mark.parametrize(("fault", "test"), CAUGHT, ids=lambda each: each.__name__)
async def test_a_planted_fault_is_noticed(
    fault: Fault, test: Callable[..., Awaitable[None]]
) -> None:
    kept = Kept(MemoryStore(new_id), Limits(), emulated=False)
    with fault(), pytest.raises(NOTICED):
        await test(kept)


@pytest.mark.parametrize(
    "test", dict.fromkeys(test for _, test in CAUGHT), ids=lambda each: each.__name__
)
async def test_without_a_fault_there_is_nothing_to_notice(
    test: Callable[..., Awaitable[None]],
) -> None:
    await test(Kept(MemoryStore(new_id), Limits(), emulated=False))
