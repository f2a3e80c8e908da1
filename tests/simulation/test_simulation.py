"""The core under everything that may happen, seed by seed; docs/proof.md says what is looked at."""

from collections.abc import Iterable

import pytest

from tests.simulation.ledger import Violation
from tests.simulation.mutants import KINDS, MUTANTS, RARE
from tests.simulation.scenario import scenario
from tests.simulation.world import Kind, run

AT_ONCE = 20
"""Seeds of one test."""

TRIES = 400
"""Seeds within which a fault must show."""

RARE_TRIES = 3000

LATE = {
    "a_client_found_outside_the_head_is_taken_for_a_new_one",
    "a_close_does_not_look_at_the_fence",
    "a_committed_batch_is_deleted_when_its_answer_was_lost",
    "a_deletion_does_not_look_for_forks_of_forks",
    "a_live_reader_keeps_its_index_in_a_stream_begun_anew",
    "a_losing_sealer_deletes_the_batches",
    "a_refused_batch_is_left_behind",
    "a_resend_is_told_of_a_fence_that_is_newer_than_what_it_sent",
    "a_short_name_is_enough_to_know_a_batch",
    "an_append_whose_lease_came_late_is_tried_again_as_it_was",
    "an_entry_whose_answer_was_lost_leaves_its_batch_to_nobody",
    "an_uncertain_append_is_called_busy",
    "losing_does_not_look_at_the_lease",
    "moving_clients_out_does_not_raise_spills",
    "nobody_goes_on_with_a_deletion",
    "nobody_moves_out_of_the_head",
    "opening_does_not_look_at_the_run",
}
"""Faults that show so late that `make soak` looks for them."""


def run_all(seeds: Iterable[int], kind: Kind | None = None) -> None:
    for seed in seeds:
        run(seed, scenario, kind=kind)


@pytest.mark.parametrize("first", range(0, 60, AT_ONCE))
def test_nothing_is_lost_doubled_or_reordered(first: int) -> None:
    run_all(range(first, first + AT_ONCE))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, 1_500, 500))
def test_nothing_is_lost_doubled_or_reordered_in_thousands_of_courses(first: int) -> None:
    run_all(range(first, first + 500))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak if name in LATE else ()) for name in MUTANTS]
)
def test_a_planted_fault_is_noticed(name: str) -> None:
    with MUTANTS[name](), pytest.raises(Violation):
        run_all(range(TRIES), KINDS.get(name))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RARE)
def test_a_planted_fault_that_rarely_shows_is_noticed(name: str) -> None:
    with RARE[name](), pytest.raises(Violation):
        run_all(range(RARE_TRIES), KINDS.get(name))


def test_the_same_seed_takes_the_same_course() -> None:
    traces: list[list[str]] = [[], []]
    for trace in traces:
        run(5, scenario, trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 100


def test_a_seed_that_fails_says_how_to_have_it_again() -> None:
    fault = MUTANTS["times_are_the_writers_own"]
    with fault(), pytest.raises(Violation, match=r"again: python -m tests\.simulation \d+"):
        run_all(range(TRIES))
