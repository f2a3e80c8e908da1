"""Which run we are in, and what a target means there."""

import pytest

from runstreams.errors import InvalidName, NoRun
from runstreams.sdk.lineage import Lineage, begun, resolve
from runstreams.sdk.runs import current_run

CHILD = Lineage("run_3", "run_2", "run_1")


@pytest.mark.parametrize(
    ("target", "run"),
    [
        (None, "run_3"),
        ("self", "run_3"),
        ("parent", "run_2"),
        ("root", "run_1"),
        ("run_9", "run_9"),
    ],
)
def test_a_target_is_seen_from_the_run(target: str | None, run: str) -> None:
    assert resolve(target, CHILD) == run


@pytest.mark.parametrize("target", ["parent", "root"])
def test_a_run_with_nothing_above_it_is_its_own_parent_and_root(target: str) -> None:
    assert resolve(target, Lineage("run_1")) == "run_1"


def test_a_run_that_is_named_needs_no_run_to_be_in() -> None:
    assert resolve("run_9", None) == "run_9"


@pytest.mark.parametrize("target", [None, "self", "parent", "root"])
def test_without_a_run_the_error_names_both_ways_out(target: str | None) -> None:
    with pytest.raises(NoRun, match=r"target=.*streams\.run"):
        resolve(target, None)


def test_a_target_that_is_no_name_is_refused() -> None:
    with pytest.raises(InvalidName):
        resolve("a/b", CHILD)


def test_the_environment_tells_a_process_its_run() -> None:
    run = current_run(CHILD.environ())
    assert run is not None
    assert (run.id, run.parent, run.root) == ("run_3", "run_2", "run_1")
    assert current_run({}) is None


def test_a_run_begun_in_another_is_its_child() -> None:
    run = begun("run_4", None, None, CHILD)
    assert (run.parent, run.root) == ("run_3", "run_1")


def test_a_run_begun_in_a_root_has_that_as_its_root() -> None:
    assert begun("run_2", None, None, Lineage("run_1")).root == "run_1"


def test_what_is_named_counts_more_than_where_we_are() -> None:
    run = begun("run_4", "run_9", None, CHILD)
    assert (run.parent, run.root) == ("run_9", None)


def test_a_run_entered_again_is_not_its_own_child() -> None:
    run = begun("run_3", None, None, CHILD)
    assert (run.parent, run.root) == ("run_2", "run_1")
